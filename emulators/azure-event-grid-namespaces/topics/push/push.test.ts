// Push delivery to a receiver over HTTP, under a clock that is moved by hand.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { AGREES, DEAD_LETTERS, hook, withPush, type PushWorld, type Received } from './testing.ts'

const SUBSCRIPTION = '/namespaces/default/topics/orders/eventSubscriptions/hook'

const idsOf = ({ text }: Received): string[] =>
  [JSON.parse(text)].flat().map(({ id }: { id: string }) => id)

const form = suite('azure-event-grid-namespaces push delivery')

form('posts one event as an object, with the headers of a delivery', () =>
  withPush(
    (url) => [hook(url)],
    async (world) => {
      await world.publishIds('a')
      const { method, url, headers, text } = await world.receiver.next()
      assert.equal([method, url], ['POST', '/hook'])
      const own = Object.entries(headers).filter(
        ([name]) => !['host', 'connection', 'content-length'].includes(name)
      )
      assert.equal(Object.fromEntries(own), {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'aeg-event-type': 'Notification',
        'aeg-subscription-name': 'HOOK',
        'aeg-delivery-count': '0',
        'aeg-metadata-version': '1.0',
        'webhook-request-origin': 'eventgrid.azure.net'
      })
      assert.equal(JSON.parse(text), {
        ...{ id: 'a', source: 's', type: 't', specversion: '1.0', data: 'a' }
      })
      await world.logged(/delivery hook 200 events=1: delivered/)
    }
  )
)

form('posts batches as arrays, of as many events as were asked for and fit', () =>
  withPush(
    (url) => [hook(url, {}, { maxEventsPerBatch: 3, preferredBatchSizeInKilobytes: 1 })],
    async (world) => {
      await world.publishIds('a', 'b', 'c', 'd')
      const batches = [await world.receiver.next(), await world.receiver.next()]
      assert.is(
        batches[0]!.headers['content-type'],
        'application/cloudevents-batch+json; charset=utf-8'
      )
      assert.equal(batches.map(idsOf).sort(), [['a', 'b', 'c'], ['d']])
      const long = 'x'.repeat(600)
      await world.publishIds(`1${long}`, `2${long}`)
      const sizes = [await world.receiver.next(), await world.receiver.next()].map(idsOf)
      assert.equal(
        sizes.map((ids) => ids.length),
        [1, 1]
      )
    }
  )
)

form('sends static and dynamic delivery attributes as headers', () => {
  const deliveryAttributeMappings = [
    { name: 'X-Fixed', type: 'Static' as const, properties: { value: 'yes' } },
    { name: 'X-Source', type: 'Dynamic' as const, properties: { sourceField: '$.source' } },
    { name: 'X-Missing', type: 'Dynamic' as const, properties: { sourceField: 'data.nothing' } }
  ]
  return withPush(
    (url) => [hook(url, {}, { deliveryAttributeMappings })],
    async (world) => {
      await world.publishIds('a')
      const { headers } = await world.receiver.next()
      assert.equal(
        ['x-fixed', 'x-source', 'x-missing'].map((name) => headers[name]),
        ['yes', 's', undefined]
      )
    }
  )
})

form('takes events on to another topic of the namespace', () => {
  const destination = {
    endpointType: 'NamespaceTopic',
    properties: { resourceId: '/topics/other' }
  }
  return withPush(
    () => [],
    async (world) => {
      const base = '/namespaces/default/topics'
      await world.control('PUT', `${base}/other`, { eventSubscriptions: [{ name: 'worker' }] })
      const made = await world.control('PUT', `${base}/orders/eventSubscriptions/hook`, {
        deliveryConfiguration: { deliveryMode: 'Push', push: { destination } }
      })
      assert.is(made.body.provisioningState, 'Succeeded')
      await world.publishIds('a')
      await world.logged(/delivery hook 200 events=1: delivered/)
      const answer = await world.send({
        target: '/topics/other/eventsubscriptions/worker:receive?api-version=2024-06-01',
        headers: {
          authorization: 'SharedAccessKey Zm9nYmFuay1sb2NhbC1uYW1lc3BhY2Uta2V5LW9uZSE='
        }
      })
      assert.is(JSON.parse(answer.text).value[0].event.id, 'a')
    }
  )
})

const schedule = suite('azure-event-grid-namespaces push schedule')

/** Waits in seconds before the second, third … attempt. */
const WAITS = [10, 20, 30, 240, 300, 300, 300, 300, 300]

schedule('tries again as documented, ten times in all, and buries the event', () =>
  withPush(
    (url) => [hook(url, DEAD_LETTERS)],
    async (world) => {
      world.receiver.react = () => ({ status: 500 })
      await world.publishIds('a')
      assert.is((await world.receiver.next()).headers['aeg-delivery-count'], '0')
      for (const [index, seconds] of WAITS.entries()) {
        await world.logged(new RegExp(`hook 500 events=1: attempt ${index + 1},`))
        world.clock.advance(seconds * 1000 - 1)
        await turn()
        assert.is(world.receiver.received.length, 0, `too early for attempt ${index + 2}`)
        world.clock.advance(1)
        assert.is((await world.receiver.next()).headers['aeg-delivery-count'], String(index + 1))
      }
      await world.logged(/hook 500 events=1: attempt 10,/)
      assert.equal(await buried(world), [
        [
          'a',
          'Maximum delivery attempts was exceeded.',
          10,
          'The endpoint did not accept the event.'
        ]
      ])
    }
  )
)

schedule('maxDeliveryCount is the number of attempts', () =>
  withPush(
    (url) => [hook(url, { ...DEAD_LETTERS, maxDeliveryCount: 1 })],
    async (world) => {
      world.receiver.react = () => ({ status: 500 })
      await world.publishIds('a')
      await world.receiver.next()
      assert.is((await buried(world)).length, 1)
    }
  )
)

for (const [status, seconds] of [
  [408, 120],
  [503, 30],
  [429, 10]
] as const) {
  schedule(`waits ${seconds} s at least after ${status}`, () =>
    withPush(
      (url) => [hook(url)],
      async (world) => {
        world.receiver.react = () => ({ status })
        await world.publishIds('a')
        await world.receiver.next()
        await world.logged(new RegExp(`hook ${status} events=1: attempt 1, next in ${seconds} s`))
      }
    )
  )
}

schedule('waits five minutes for a topic of another namespace that is not there', () =>
  withPush(
    () => [],
    async (world) => {
      const resourceId =
        '/subscriptions/s/providers/Microsoft.EventGrid/namespaces/other/topics/none'
      const destination = { endpointType: 'NamespaceTopic', properties: { resourceId } }
      const deliveryConfiguration = { deliveryMode: 'Push', push: { destination } }
      await world.control('PUT', SUBSCRIPTION, { deliveryConfiguration })
      await world.publishIds('a')
      await world.logged(/hook 404 events=1: attempt 1, next in 300 s/)
      const taken: unknown[] = []
      world.core.sinks.register('namespace-topic:other/none', async (events) => {
        taken.push(...events)
      })
      world.clock.advance(300_000)
      await world.logged(/hook 200 events=1: delivered/)
      assert.is(taken.length, 1)
    }
  )
)

for (const status of [400, 401, 403, 404, 413, 414]) {
  schedule(`does not try again after ${status}`, () =>
    withPush(
      (url) => [hook(url, DEAD_LETTERS)],
      async (world) => {
        world.receiver.react = () => ({ status })
        await world.publishIds('a')
        await world.receiver.next()
        assert.equal(await buried(world), [
          ['a', 'Undeliverable due to client error.', 1, 'The endpoint refused the event.']
        ])
      }
    )
  )
}

for (const status of [200, 201, 202, 203, 204]) {
  schedule(`${status} is success`, () =>
    withPush(
      (url) => [hook(url)],
      async (world) => {
        world.receiver.react = () => ({ status })
        await world.publishIds('a')
        await world.receiver.next()
        await world.logged(new RegExp(`hook ${status} events=1: delivered`))
      }
    )
  )
}

schedule('does not try again where nobody answers for 30 s, or the connection is cut', () =>
  withPush(
    (url) => [hook(url, DEAD_LETTERS)],
    async (world) => {
      world.receiver.react = ({ text }) => (text.includes('"hang"') ? 'hang' : 'reset')
      await world.publishIds('hang', 'reset')
      await world.receiver.next()
      await world.receiver.next()
      await world.logged(/hook SocketError events=1: not tried again/)
      world.clock.advance(29_999)
      await turn()
      assert.is((await world.deadLetters()).length, 1)
      world.clock.advance(1)
      await world.logged(/hook TimedOut events=1: not tried again/)
      assert.is((await world.deadLetters()).length, 2)
    }
  )
)

schedule('looks at the time to live when an attempt is due, and at no other moment', () =>
  withPush(
    (url) => [hook(url, { ...DEAD_LETTERS, eventTimeToLive: 'PT2M' })],
    async (world) => {
      world.receiver.react = () => ({ status: 500 })
      await world.publishIds('a')
      for (const seconds of [10, 20, 30]) {
        await world.receiver.next()
        await world.logged(new RegExp(`next in ${seconds} s`))
        world.clock.advance(seconds * 1000)
      }
      await world.receiver.next()
      await world.logged(/attempt 4, next in 240 s/)
      world.clock.advance(239_999)
      await turn()
      assert.equal(await world.deadLetters(), [])
      world.clock.advance(1)
      const [[id, reason, attempts] = []] = (await buried(world)) as unknown[][]
      assert.equal([id, reason, attempts], ['a', 'Time to live was exceeded.', 4])
      assert.is(world.receiver.received.length, 0)
    }
  )
)

schedule('a receiver that hangs holds back nobody else', () =>
  withPush(
    (url) => [hook(url), { ...hook(`${url}/2`), name: 'second' }],
    async (world) => {
      world.receiver.react = ({ url }) => (url === '/hook' ? 'hang' : { status: 200 })
      const ids = Array.from({ length: 40 }, (_, index) => `e${index}`)
      await world.publishIds(...ids)
      await world.logged(/delivery second 200/, 40)
      await world.publishIds('later')
      await world.logged(/delivery second 200/, 41)
      const hanging = world.receiver.received.filter(({ url }) => url === '/hook')
      assert.is(hanging.length, 16, 'sixteen requests at a time and no more')
    }
  )
)

/** Lets what was answered arrive. */
const turn = async () => {
  for (let round = 0; round < 20; round++) await new Promise((resolve) => setImmediate(resolve))
}

async function buried(world: PushWorld): Promise<unknown[]> {
  for (let round = 0; round < 200; round++) {
    const letters = await world.deadLetters()
    if (letters.length > 0) return letters
    await turn()
  }
  throw new Error('nothing was buried')
}

const handshake = suite('azure-event-grid-namespaces push handshake')

const put = (world: PushWorld) =>
  world.control('PUT', SUBSCRIPTION, hook(world.receiver.url)).then(({ body }) => body)
const stateOf = async (world: PushWorld) =>
  (await world.control('GET', SUBSCRIPTION)).body.provisioningState as string

handshake('asks by OPTIONS, with origin and callback, before anything is sent', () =>
  withPush(
    () => [],
    async (world) => {
      world.receiver.shake = () => AGREES
      assert.is((await put(world)).provisioningState, 'Creating')
      const { method, headers } = await world.receiver.next()
      assert.is(method, 'OPTIONS')
      assert.is(headers['webhook-request-origin'], 'eventgrid.azure.net')
      assert.match(
        headers['webhook-request-callback']!,
        /^http:\/\/127\.0\.0\.1:4620\/eventsubscriptions\/hook\/validate\?id=[0-9A-F-]{36}&token=[0-9A-F]{64}$/
      )
      await world.logged(/handshake hook Succeeded/)
      assert.is(await stateOf(world), 'Succeeded')
      await world.publishIds('a')
      assert.equal(idsOf(await world.receiver.next()), ['a'])
    }
  )
)

const REFUSALS = [
  { status: 200, headers: { 'WebHook-Allowed-Origin': 'elsewhere.test' } },
  { status: 202 },
  { status: 404 },
  { status: 500 }
]
for (const answer of REFUSALS) {
  handshake(`${JSON.stringify(answer)} is no, and nothing is sent`, () =>
    withPush(
      () => [],
      async (world) => {
        world.receiver.shake = () => answer
        await put(world)
        await world.receiver.next()
        await world.logged(/handshake hook Failed/)
        assert.is(await stateOf(world), 'Failed')
        await world.publishIds('a')
        world.receiver.shake = undefined
        await put(world)
        await world.logged(/handshake hook Succeeded/)
        await world.publishIds('b')
        assert.equal(idsOf(await world.receiver.next()), ['b'], 'a came before anybody said yes')
      }
    )
  )
}

for (const method of ['GET', 'POST']) {
  handshake(`200 without the header waits for a ${method} of the callback`, () =>
    withPush(
      () => [],
      async (world) => {
        world.receiver.shake = () => ({ status: 200 })
        await put(world)
        const { headers } = await world.receiver.next()
        await world.logged(/handshake hook AwaitingManualAction/)
        const target = headers['webhook-request-callback']!.replace(/^http:\/\/[^/]+/, '')
        const wrong = target.replace(/token=../, 'token=zz')
        assert.is((await world.send({ method, target: wrong })).status, 404)
        assert.is(await stateOf(world), 'Creating')
        assert.is((await world.send({ method, target })).status, 200)
        await world.logged(/handshake hook Succeeded/)
        assert.is((await world.send({ method, target })).status, 404, 'it counts once')
      }
    )
  )
}

handshake('nobody calls for ten minutes: no', () =>
  withPush(
    () => [],
    async (world) => {
      world.receiver.shake = () => ({ status: 200 })
      await put(world)
      await world.logged(/handshake hook AwaitingManualAction/)
      world.clock.advance(599_999)
      await turn()
      assert.is(await stateOf(world), 'Creating')
      world.clock.advance(1)
      await world.logged(/handshake hook Failed/)
    }
  )
)

handshake('a receiver of the configuration may come up late, and loses nothing meanwhile', () =>
  withPush(
    (url) => [hook(url)],
    async (world) => {
      world.receiver.shake = () => ({ status: 503 })
      world.start()
      await world.publishIds('a')
      await world.receiver.next()
      await world.logged(/handshake hook: not ready, next in 5 s/)
      world.receiver.shake = undefined
      world.clock.advance(5_000)
      assert.equal(idsOf(await world.receiver.next()), ['a'])
    },
    { started: false }
  )
)

handshake('WebHook-Allowed-Rate spaces the requests', () =>
  withPush(
    () => [],
    async (world) => {
      const rate = { 'WebHook-Allowed-Rate': '6' }
      world.receiver.shake = () => ({ ...AGREES, headers: { ...AGREES.headers, ...rate } })
      await put(world)
      await world.receiver.next()
      await world.logged(/handshake hook Succeeded/)
      await world.publishIds('a', 'b')
      await world.receiver.next()
      world.clock.advance(9_999)
      await turn()
      assert.is(world.receiver.received.length, 0)
      world.clock.advance(1)
      await world.receiver.next()
    }
  )
)

handshake('a push to another URL is asked for anew, one to the same is not', () =>
  withPush(
    (url) => [hook(url)],
    async (world) => {
      await world.logged(/handshake hook Succeeded/)
      world.receiver.shake = () => AGREES
      await world.control('PUT', SUBSCRIPTION, hook(world.receiver.url, { maxDeliveryCount: 3 }))
      await world.control('PUT', SUBSCRIPTION, hook(`${world.receiver.url}/2`))
      assert.equal(
        [await world.receiver.next()].map(({ method, url }) => [method, url]),
        [['OPTIONS', '/hook/2']]
      )
      await world.publishIds('a')
      assert.is((await world.receiver.next()).url, '/hook/2')
    }
  )
)

handshake('a reset forgets who agreed and what waited', () =>
  withPush(
    (url) => [hook(url)],
    async (world) => {
      world.receiver.react = () => ({ status: 500 })
      await world.publishIds('a')
      await world.receiver.next()
      await world.logged(/hook 500 events=1: attempt 1/)
      world.receiver.shake = () => AGREES
      await world.core.reset()
      await world.running.reset()
      assert.is((await world.receiver.next()).method, 'OPTIONS')
      world.clock.advance(10_000)
      await world.publishIds('b')
      assert.equal(idsOf(await world.receiver.next()), ['b'])
    }
  )
)

const REFUSED: [what: string, push: (url: string) => object, sentence: RegExp][] = [
  ['no destination', () => ({ destination: undefined }), /push\/destination is missing/],
  [
    'no URL',
    () => ({ destination: { endpointType: 'WebHook', properties: {} } }),
    /^topics\/orders\/eventSubscriptions\/hook\/deliveryConfiguration\/push\/destination\/properties\/endpointUrl must/
  ],
  [
    'a URL of another protocol',
    () => hook('ftp://x/').deliveryConfiguration.push,
    /endpointUrl must be an http or https URL/
  ],
  [
    'a topic that is not there',
    () => ({
      destination: { endpointType: 'NamespaceTopic', properties: { resourceId: '/topics/none' } }
    }),
    /resourceId: there is no topic \/topics\/none/
  ],
  [
    'its own topic',
    () => ({
      destination: { endpointType: 'NamespaceTopic', properties: { resourceId: 'orders' } }
    }),
    /resourceId is the subscription's own topic/
  ],
  [
    'a header of ours',
    (url) =>
      hook(
        url,
        {},
        {
          deliveryAttributeMappings: [{ name: 'aeg-x', type: 'Static', properties: { value: '1' } }]
        }
      ).deliveryConfiguration.push,
    /deliveryAttributeMappings\/0\/name must not start with aeg-/
  ],
  [
    'a static header without value',
    (url) =>
      hook(url, {}, { deliveryAttributeMappings: [{ name: 'x', type: 'Static', properties: {} }] })
        .deliveryConfiguration.push,
    /deliveryAttributeMappings\/0\/properties\/value must/
  ],
  [
    'a dynamic header without field',
    (url) =>
      hook(url, {}, { deliveryAttributeMappings: [{ name: 'x', type: 'Dynamic', properties: {} }] })
        .deliveryConfiguration.push,
    /deliveryAttributeMappings\/0\/properties\/sourceField must/
  ]
]
for (const [what, push, sentence] of REFUSED) {
  handshake(`a subscription with ${what} is refused, and nothing has changed`, () =>
    withPush(
      () => [],
      async (world) => {
        const deliveryConfiguration = { deliveryMode: 'Push', push: push(world.receiver.url) }
        const error = await refusal(world.control('PUT', SUBSCRIPTION, { deliveryConfiguration }))
        assert.match(error, sentence)
        assert.is((await world.control('GET', SUBSCRIPTION)).status, 404)
      }
    )
  )
}

async function refusal(answer: Promise<{ status: number; body: any }>): Promise<string> {
  const { status, body } = await answer
  assert.is(status, 400)
  return body.error
}

form.run()
schedule.run()
handshake.run()
