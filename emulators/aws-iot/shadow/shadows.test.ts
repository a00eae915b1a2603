// What no transcript can show: many updates at once, keys that mean something to JavaScript, the SDK's words.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  DeleteThingShadowCommand,
  GetThingShadowCommand,
  ListNamedShadowsForThingCommand,
  UpdateThingShadowCommand,
  type IoTDataPlaneClient
} from '@aws-sdk/client-iot-data-plane'
import {
  createCore,
  createManualClock,
  systemIds,
  type ManualClock,
  type Records
} from '@fogbank/core'
import { withFogbank } from '../testing-fogbank.ts'
import { toDelta } from './merge.ts'
import { createShadows, type Shadows } from './shadows.ts'

const silent = { info: () => {}, warn: () => {}, error: () => {} }

async function withShadows(
  directory: string | undefined,
  run: (shadows: Shadows, world: { clock: ManualClock; records: Records }) => Promise<void>
) {
  const clock = createManualClock()
  const core = await createCore({
    clock,
    ids: systemIds,
    log: silent,
    ...(directory ? { directory } : {})
  })
  try {
    const records = await core.records('aws-iot:shadows')
    const shadows = createShadows(records, clock, silent)
    await run(shadows, { clock, records })
    shadows.close()
  } finally {
    await core.close()
  }
}

const HOUR_MS = 3_600_000

/** Lets hours go by until it is true; what each of them sets off is waited for. */
async function hoursUntil(clock: ManualClock, isTrue: () => Promise<boolean>): Promise<void> {
  for (let hour = 0; hour < 100; hour++) {
    if (await isTrue()) return
    clock.advance(HOUR_MS)
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('it never came true')
}

const update = (state: unknown) => Buffer.from(JSON.stringify({ state }))

const shadows = suite('aws-iot shadows')

shadows(
  '200 updates at once have 200 successive versions, and are all there after a restart',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fogbank-shadows-'))
    const id = { thing: 'lamp' }
    try {
      await withShadows(directory, async (all) => {
        const updates = Array.from({ length: 200 }, (_, index) =>
          all.update(id, update({ desired: { [`k${index}`]: index } }))
        )
        const versions = (await Promise.all(updates)).map(
          ({ accepted }) => (JSON.parse(accepted) as { version: number }).version
        )
        assert.equal(
          versions,
          Array.from({ length: 200 }, (_, index) => index + 1)
        )
      })
      await withShadows(directory, async (all) => {
        const { version, state } = JSON.parse(await all.get(id)) as { version: number; state: any }
        assert.is(version, 200)
        assert.is(Object.keys(state.desired).length, 200)
      })
    } finally {
      rmSync(directory, { recursive: true })
    }
  }
)

shadows('updates keep their turn, and count on, however many other shadows come between', () =>
  withShadows(undefined, async (all) => {
    const versionOf = async (thing: string): Promise<number> => {
      const { accepted } = await all.update({ thing }, update({ reported: { on: true } }))
      return (JSON.parse(accepted) as { version: number }).version
    }
    // Far more than are kept in memory, while the first updates are still under way.
    const others = () =>
      Promise.all(Array.from({ length: 2000 }, (_, i) => versionOf(`other-${i}`)))
    const first = Array.from({ length: 50 }, () => versionOf('lamp'))
    const between = others()
    const last = Array.from({ length: 50 }, () => versionOf('lamp'))
    assert.equal(
      await Promise.all([...first, ...last]),
      Array.from({ length: 100 }, (_, index) => index + 1)
    )
    assert.ok((await between).every((version) => version === 1))
    assert.ok((await others()).every((version) => version === 2))
  })
)

shadows('keys that mean something to JavaScript are keys like any other', () =>
  withShadows(undefined, async (all) => {
    const id = { thing: 'lamp' }
    const text = '{"state":{"desired":{"__proto__":{"a":1},"constructor":2,"toString":3}}}'
    await all.update(id, Buffer.from(text))
    await all.update(id, Buffer.from('{"state":{"reported":{"toString":3}}}'))
    const answer = await all.get(id)
    assert.is(
      answer.slice('{"state":'.length, answer.indexOf(',"metadata"')),
      '{"desired":{"__proto__":{"a":1},"constructor":2,"toString":3},"reported":{"toString":3},' +
        '"delta":{"__proto__":{"a":1},"constructor":2}}'
    )
    assert.is(({} as { a?: number }).a, undefined)
  })
)

shadows('a deleted one is counted on for 48 hours, and then forgotten down to its records', () =>
  withShadows(undefined, async (all, { clock, records }) => {
    const everyKey = async () => {
      const found: string[] = []
      for await (const [key] of records.range()) found.push(key)
      return found
    }
    const keys = async () => (await everyKey()).filter((key) => !key.startsWith('!'))
    const marks = async () => (await everyKey()).length - (await keys()).length
    const versionOf = async (thing: string) =>
      (JSON.parse((await all.update({ thing }, update({}))).accepted) as { version: number })
        .version
    const gone = { thing: 'gone', name: 'night' }
    for (const id of [gone, { thing: 'back' }, { thing: 'twice' }]) {
      await all.update(id, update({}))
      await all.update(id, update({}))
      await all.delete(id)
    }
    clock.advance(24 * HOUR_MS)
    assert.is(await versionOf('back'), 3)
    assert.is(await versionOf('twice'), 3)
    await all.delete({ thing: 'twice' })
    clock.advance(24 * HOUR_MS - 1)
    assert.equal(await keys(), ['back/', 'gone/night', 'twice/'])
    await hoursUntil(clock, async () => !(await keys()).includes('gone/night'))
    assert.equal(await keys(), ['back/', 'twice/'])
    assert.is(await versionOf('twice'), 4)
    await hoursUntil(clock, async () => (await marks()) === 0)
    assert.equal(await keys(), ['back/', 'twice/'])
    assert.is(await versionOf('back'), 4)
    assert.is(await versionOf('twice'), 5)
  })
)

const DELTAS: [desired: object, reported: object | undefined, delta: object | undefined][] = [
  [{ a: 1 }, undefined, { a: 1 }],
  [{ a: 1 }, { a: 1 }, undefined],
  [{ a: 1 }, { a: 2, b: 3 }, { a: 1 }],
  [{ a: { b: 1, c: 2 } }, { a: { b: 1 } }, { a: { c: 2 } }],
  [{ a: { b: 1 } }, { a: { b: 1, c: 2 } }, undefined],
  [{ a: [1, 2] }, { a: [1, 2] }, undefined],
  [{ a: [1, 2] }, { a: [2, 1] }, { a: [1, 2] }],
  [{ a: [{ b: 1 }] }, { a: [{ b: 1 }] }, undefined],
  [{ a: { b: 1 } }, { a: 1 }, { a: { b: 1 } }],
  [{ a: 1 }, { a: { b: 1 } }, { a: 1 }],
  [{ a: {} }, {}, { a: {} }],
  [{ a: '1' }, { a: 1 }, { a: '1' }],
  [{ a: 0 }, { a: false }, { a: 0 }]
]

for (const [desired, reported, delta] of DELTAS) {
  shadows(`delta of ${JSON.stringify(desired)} and ${JSON.stringify(reported)}`, () => {
    const actual = toDelta(desired as never, reported as never)
    assert.is(JSON.stringify(actual), JSON.stringify(delta))
  })
}

const encode = (value: object) => new TextEncoder().encode(JSON.stringify(value))
const decode = (payload: Uint8Array | undefined) => JSON.parse(new TextDecoder().decode(payload))

async function failureOf(client: IoTDataPlaneClient, command: unknown): Promise<string> {
  return client.send(command as never).then(
    () => 'no failure',
    (error: { name: string; $metadata: { httpStatusCode: number } }) =>
      `${error.name} ${error.$metadata.httpStatusCode}`
  )
}

shadows('the SDK updates, reads, lists and deletes, and tells the refusals apart', () =>
  withFogbank(async ({ sdk }) => {
    const client = sdk()
    const thingName = 'th:1'
    const shadowName = 'night$1'
    const payload = encode({ state: { desired: { dim: 5 } } })
    const updated = await client.send(
      new UpdateThingShadowCommand({ thingName, shadowName, payload })
    )
    assert.is(decode(updated.payload).version, 1)
    const read = await client.send(new GetThingShadowCommand({ thingName, shadowName }))
    assert.equal(decode(read.payload).state, { desired: { dim: 5 }, delta: { dim: 5 } })
    const list = await client.send(new ListNamedShadowsForThingCommand({ thingName }))
    assert.equal(list.results, [shadowName])
    assert.ok(list.timestamp)
    const stale = encode({ state: {}, version: 9 })
    const text = new TextEncoder().encode('{')
    const large = encode({ state: { desired: { a: 'x'.repeat(9000) } } })
    const bytes = Uint8Array.from([0x22, 0xff, 0x22])
    const refusals = [
      [
        new UpdateThingShadowCommand({ thingName, shadowName, payload: stale }),
        'ConflictException 409'
      ],
      [new UpdateThingShadowCommand({ thingName, payload: text }), 'InvalidRequestException 400'],
      [
        new UpdateThingShadowCommand({ thingName, payload: large }),
        'RequestEntityTooLargeException 413'
      ],
      [
        new UpdateThingShadowCommand({ thingName, payload: bytes }),
        'UnsupportedDocumentEncodingException 415'
      ],
      [new GetThingShadowCommand({ thingName }), 'ResourceNotFoundException 404'],
      [new DeleteThingShadowCommand({ thingName }), 'ResourceNotFoundException 404']
    ] as const
    for (const [command, expected] of refusals) {
      assert.is(await failureOf(client, command), expected)
    }
    const deleted = await client.send(new DeleteThingShadowCommand({ thingName, shadowName }))
    assert.is(decode(deleted.payload).version, 1)
  })
)

shadows('are gone after a reset, from memory too', () =>
  withFogbank(async ({ fogbank, sdk }) => {
    const client = sdk()
    const payload = encode({ state: {} })
    await client.send(new UpdateThingShadowCommand({ thingName: 'a', payload }))
    const { http } = fogbank.endpoints.control as { http: string }
    assert.is((await fetch(`${http}/reset`, { method: 'POST' })).status, 204)
    const failure = await failureOf(client, new GetThingShadowCommand({ thingName: 'a' }))
    assert.is(failure, 'ResourceNotFoundException 404')
  })
)

shadows.run()
