// Shadows at both doors: what one does, the other tells.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withAwsIot, type AwsWorld } from '../testing.ts'

const TOPIC = '$aws/things/lamp/shadow'
const PATH = '/things/lamp/shadow'
const NOW = { timestamp: '<now>' }

/** Everything that was published, the time out of it. */
function told({ published, clock }: AwsWorld): [topic: string, body: any][] {
  const now = Math.floor(clock.now() / 1000)
  const body = (text: string) => {
    return JSON.parse(text, (key, value) =>
      key === 'timestamp' && value === now ? '<now>' : value
    )
  }
  return published.map(({ message }) => [message.topic, body(message.payload.toString())])
}

async function update(world: AwsWorld, body: object | string, target = PATH): Promise<any> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const reply = await world.signed({ target, body: text })
  return JSON.parse(reply.text)
}

async function read(world: AwsWorld, target = PATH): Promise<any> {
  return JSON.parse((await world.signed({ method: 'GET', target })).text)
}

const doors = suite('aws-iot shadow doors')

doors('an update over HTTP is told as accepted, delta and documents', () =>
  withAwsIot({}, async (world) => {
    await update(world, { state: { desired: { Color: 'red' } }, clientToken: 't' })
    const current = {
      state: { desired: { Color: 'red' } },
      metadata: { desired: { Color: NOW } },
      version: 1
    }
    const rest = { ...NOW, clientToken: 't' }
    assert.equal(told(world), [
      [`${TOPIC}/update/accepted`, { ...current, ...rest }],
      [
        `${TOPIC}/update/delta`,
        { version: 1, state: { Color: 'red' }, metadata: { Color: NOW }, ...rest }
      ],
      [`${TOPIC}/update/documents`, { previous: null, current, ...rest }]
    ])
    assert.equal(
      world.published.map(({ message }) => [message.qos, message.retain]),
      Array(3).fill([1, false])
    )
  })
)

doors('an update over MQTT is read over HTTP, and told to subscribers', () =>
  withAwsIot({}, async (world) => {
    const client = await world.client()
    await client.next()
    client.mqtt.subscribe(`${TOPIC}/update/+`, { qos: 1 })
    assert.is((await client.next())?.cmd, 'suback')
    const body = { state: { reported: { on: true } }, clientToken: 't' }
    client.mqtt.publish(`${TOPIC}/update`, JSON.stringify(body), { qos: 1 })
    const topics: string[] = []
    let acknowledged = false
    while (topics.length < 2 || !acknowledged) {
      const packet = await client.next()
      if (packet?.cmd === 'puback') acknowledged = true
      else topics.push(packet?.topic)
    }
    assert.equal(topics, [`${TOPIC}/update/accepted`, `${TOPIC}/update/documents`])
    const document = await read(world)
    assert.equal([document.state, document.version], [{ reported: { on: true } }, 1])
  })
)

for (const [kind, payload, code, message] of [
  ['get', '', 404, "No shadow exists with name: 'lamp~night'"],
  ['delete', 'anything', 404, "No shadow exists with name: 'lamp~night'"],
  ['get', 'garbage', 400, 'Invalid JSON'],
  ['update', '{"state":{"delta":{}}}', 400, "State contains an invalid node: 'delta'"],
  ['update', '{"state":{},"version":7}', 409, 'Version conflict']
] as const) {
  doors(
    `a ${kind} of ${payload || 'nothing'} is rejected with ${code} over HTTP's Publish, too`,
    () =>
      withAwsIot({}, async (world) => {
        const topic = `${TOPIC}/name/night/${kind}`
        const target = `/topics/${encodeURIComponent(topic)}`
        assert.is((await world.signed({ target, body: payload })).status, 200)
        const { topic: last, payload: bytes } = world.published.at(-1)!.message
        assert.equal(
          [last, bytes.toString()],
          [`${topic}/rejected`, JSON.stringify({ code, message })]
        )
      })
  )
}

doors('a delete over HTTP is told, too', () =>
  withAwsIot({}, async (world) => {
    await update(world, { state: {} })
    await world.signed({ method: 'DELETE', target: PATH })
    assert.equal(told(world).at(-1), [`${TOPIC}/delete/accepted`, { version: 1, ...NOW }])
  })
)

doors('the token of a request is in its answer', () =>
  withAwsIot({}, async (world) => {
    const token = { clientToken: 't' }
    const ask = (kind: string) =>
      world.signed({
        target: `/topics/${encodeURIComponent(`${TOPIC}/${kind}`)}`,
        body: JSON.stringify(token)
      })
    await update(world, { state: { desired: { a: 1 } } })
    for (const kind of ['get', 'delete', 'get']) await ask(kind)
    const answers = told(world).filter(([topic]) =>
      /(get|delete)\/(accepted|rejected)$/.test(topic)
    )
    assert.equal(answers, [
      [
        `${TOPIC}/get/accepted`,
        {
          state: { desired: { a: 1 }, delta: { a: 1 } },
          metadata: { desired: { a: NOW } },
          version: 1,
          ...NOW,
          ...token
        }
      ],
      [`${TOPIC}/delete/accepted`, { version: 1, ...NOW, ...token }],
      [
        `${TOPIC}/get/rejected`,
        { code: 404, message: "No shadow exists with name: 'lamp'", ...token }
      ]
    ])
  })
)

for (const [before, patch, after] of [
  [
    { a: 1, b: 2 },
    { a: 3, b: 4 },
    { a: 3, b: 4 }
  ],
  [
    { a: 1, b: 2 },
    { b: 4, a: 3 },
    { a: 3, b: 4 }
  ],
  [{ a: 1, b: 2 }, { a: 3 }, { a: 3, b: 2 }],
  [{ a: 1, b: 2 }, { a: 3, b: null }, { a: 3 }],
  [
    { a: 1, b: 2 },
    { a: 3, c: 4 },
    { a: 3, b: 2, c: 4 }
  ],
  [{ a: 1 }, { a: { b: null } }, { a: {} }],
  [{ a: { b: 1 } }, { a: { b: 2 } }, { a: { b: 2 } }],
  [{ a: { b: 1 } }, { a: { b: null } }, { a: {} }],
  [{ a: { b: 1, c: 2 } }, { a: { b: 3 } }, { a: { b: 3, c: 2 } }],
  [{ a: { b: 1 } }, { a: 2 }, { a: 2 }],
  [{ a: [1, 2] }, { a: [3] }, { a: [3] }],
  [{ a: 1 }, { a: null }, undefined]
] as const) {
  doors(`${JSON.stringify(patch)} over ${JSON.stringify(before)}`, () =>
    withAwsIot({}, async (world) => {
      await update(world, { state: { reported: before } })
      world.clock.advance(60_000)
      const accepted = await update(world, { state: { reported: patch } })
      const now = Math.floor(world.clock.now() / 1000)
      const stampsOf = (value: unknown, old: unknown): unknown => {
        if (Array.isArray(value)) return value.map(() => ({ timestamp: now }))
        if (typeof value !== 'object' || value === null) {
          return { timestamp: value === old ? now - 60 : now }
        }
        const was = (old ?? {}) as Record<string, unknown>
        return Object.fromEntries(
          Object.entries(value).map(([key, inner]) => [key, stampsOf(inner, was[key])])
        )
      }
      assert.equal(accepted.state, { reported: patch })
      assert.equal(accepted.metadata, { reported: stampsOf(patch, undefined) })
      const { state, metadata, version } = await read(world)
      assert.is(version, 2)
      assert.is(JSON.stringify(state), JSON.stringify(after ? { reported: after } : {}))
      assert.equal(metadata, after ? { reported: stampsOf(after, before) } : {})
    })
  )
}

doors.run()

const merging = suite('aws-iot shadow documents')

for (const [what, before, change, after] of [
  ['objects are merged', { a: { b: 1 } }, { a: { c: 2 } }, { a: { b: 1, c: 2 } }],
  ['null deletes', { a: 1, b: { c: 1, d: 2 } }, { a: null, b: { c: null } }, { b: { d: 2 } }],
  ['a null of nothing is not kept', { a: 1 }, { b: null, c: { d: null } }, { a: 1, c: {} }],
  ['arrays are replaced', { a: [1, 2, 3] }, { a: [4] }, { a: [4] }],
  ['an object replaces a value', { a: 1 }, { a: { b: 1 } }, { a: { b: 1 } }],
  ['a value replaces an object', { a: { b: 1 } }, { a: '' }, { a: '' }],
  ['a section without anything is gone', { a: 1 }, { a: null }, undefined],
  ['a null section is gone', { a: 1 }, null, undefined]
] as const) {
  merging(what, () =>
    withAwsIot({}, async (world) => {
      await update(world, { state: { reported: before } })
      await update(world, { state: { reported: change } })
      const { state, version } = await read(world)
      assert.equal([state, version], [after ? { reported: after } : {}, 2])
    })
  )
}

merging('only what is named is stamped anew', () =>
  withAwsIot({}, async (world) => {
    const first = Math.floor(world.clock.now() / 1000)
    await update(world, { state: { desired: { a: 1, list: [1, 2], gone: 1 } } })
    world.clock.advance(5000)
    const body = { state: { desired: { b: { c: 1 }, gone: null } } }
    const accepted = await update(world, body)
    const now = { timestamp: first + 5 }
    assert.equal(accepted.state, body.state)
    assert.equal(accepted.metadata, { desired: { b: { c: now }, gone: now } })
    const then = { timestamp: first }
    assert.equal((await read(world)).metadata, {
      desired: { a: then, list: [then, then], b: { c: now } }
    })
  })
)

merging('the delta is what is desired and not reported', () =>
  withAwsIot({}, async (world) => {
    await update(world, {
      state: {
        desired: { same: 1, other: 2, deep: { same: [{ x: 1 }], other: 1 }, absent: {} },
        reported: { same: 1, other: 3, deep: { same: [{ x: 1 }], more: 1 }, only: 1 }
      }
    })
    const { state } = await read(world)
    assert.equal(state.delta, { other: 2, deep: { other: 1 }, absent: {} })
  })
)

merging('keys named like parts of JavaScript are keys', () =>
  withAwsIot({}, async (world) => {
    const text = '{"state":{"desired":{"__proto__":{"a":1},"constructor":2}}}'
    await update(world, text)
    await update(world, '{"state":{"desired":{"__proto__":{"b":2}},"reported":{"z":1}}}')
    const reply = await world.signed({ method: 'GET', target: PATH })
    const desired = '{"__proto__":{"a":1,"b":2},"constructor":2}'
    assert.ok(
      reply.text.startsWith(`{"state":{"desired":${desired},"reported":{"z":1},"delta":${desired}}`)
    )
    assert.is(({} as any).a, undefined)
  })
)

merging('six levels inside a section are fine', () =>
  withAwsIot({}, async (world) => {
    const deep = { a: { b: { c: { d: { e: { f: {} } } } } } }
    await update(world, { state: { desired: deep }, other: [[[[[[[[1]]]]]]]] })
    assert.equal((await read(world)).state.desired, deep)
  })
)

merging('half a request of nothing but brackets is too deep, not too much for us', () =>
  withAwsIot({}, async (world) => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}']
    ] as const) {
      const levels = 20_000
      const value = `${open.repeat(levels)}1${close.repeat(levels)}`
      const reply = await world.signed({
        target: PATH,
        body: `{"state":{"desired":{"a":${value}}}}`
      })
      const { message } = JSON.parse(reply.text)
      assert.equal(
        [reply.status, message],
        [400, 'JSON contains too many levels of nesting; maximum is 6']
      )
    }
    assert.is((await world.signed({ method: 'GET', target: PATH })).status, 404)
  })
)

merging('a token of 64 bytes and names of full length are fine', () =>
  withAwsIot({}, async (world) => {
    const target = `/things/${'t'.repeat(128)}/shadow?name=${'$'.repeat(64)}`
    const clientToken = 'é'.repeat(32)
    const accepted = await update(world, { state: {}, clientToken }, target)
    assert.equal([accepted.version, accepted.clientToken], [1, clientToken])
  })
)

merging('a deleted version is remembered for 48 hours', () =>
  withAwsIot({}, async (world) => {
    const HOURS_48 = 48 * 3_600_000
    for (const [waitMs, version] of [
      [HOURS_48 - 1, 2],
      [HOURS_48, 1]
    ] as const) {
      await update(world, { state: {} })
      await world.signed({ method: 'DELETE', target: PATH })
      world.clock.advance(waitMs)
      assert.is((await update(world, { state: {} })).version, version)
      await world.signed({ method: 'DELETE', target: PATH })
      world.clock.advance(HOURS_48)
    }
  })
)

merging('200 updates at once have 200 versions, one after the other', () =>
  withAwsIot({}, async (world) => {
    const updates = Array.from({ length: 200 }, (_, i) =>
      update(world, { state: { reported: { [`k${i % 50}`]: i } } })
    )
    const versions = (await Promise.all(updates)).map(({ version }) => version)
    assert.equal(
      versions.sort((a, b) => a - b),
      Array.from({ length: 200 }, (_, i) => i + 1)
    )
    const documents = told(world).filter(([topic]) => topic.endsWith('/documents'))
    assert.equal(
      documents.map(([, { current }]) => current.version),
      Array.from({ length: 200 }, (_, i) => i + 1)
    )
    assert.is(Object.keys((await read(world)).state.reported).length, 50)
  })
)

merging.run()
