import fc from 'fast-check'
import * as assert from 'uvu/assert'
import type { DeviceMessage, QoS } from './device.ts'
import { createModel, type Model, type Will } from './model.ts'
import { openModelWorld, type ModelWorld } from './model-world.ts'

const CLIENTS = ['c1', 'c2', 'c3'] as const
const TOPICS = ['a', 'a/b', 'a/c', 'b', '$x/a'] as const
const FILTERS = ['a', 'a/b', 'a/#', 'a/+', '+/b', '#', '$x/#', 'b'] as const

const INTERRUPT_MS = 600_000

type Step = fc.AsyncCommand<Model, ModelWorld>

const client = fc.constantFrom(...CLIENTS)
const qos = fc.constantFrom<QoS>(0, 1, 2)

let texts = 0
/** Each text is another, so that a message can be told from its repetition. */
const freshText = () => `t${++texts}`

function toWire({
  topic,
  text,
  qos,
  retain
}: {
  topic: string
  text: string
  qos: QoS
  retain: boolean
}): DeviceMessage {
  return { topic, payload: Buffer.from(text), qos, retain }
}

function step(
  say: string,
  check: (model: Model) => boolean,
  run: (model: Model, world: ModelWorld) => Promise<void>
): Step {
  return {
    check,
    async run(model, world) {
      await run(model, world)
      await world.expect(model.take())
    },
    toString: () => say
  }
}

const connect = fc
  .record({
    clientId: client,
    clean: fc.boolean(),
    expirySeconds: fc.constantFrom(0, 10, 60, 3600),
    will: fc.option(
      fc.record({
        topic: fc.constantFrom(...TOPICS),
        qos,
        retain: fc.boolean(),
        delaySeconds: fc.constantFrom(0, 5, 30)
      }),
      { nil: undefined }
    )
  })
  .map(({ clientId, clean, expirySeconds, will }) =>
    step(
      `connect(${clientId}, clean=${clean}, expiry=${expirySeconds}, will=${JSON.stringify(will)})`,
      (model) => !model.isConnected(clientId),
      async (model, world) => {
        const withText: Will | undefined = will && { ...will, text: freshText() }
        const present = model.connect(clientId, { clean, expirySeconds, will: withText })
        const wire = withText && {
          will: { ...toWire(withText), delaySeconds: withText.delaySeconds }
        }
        const options = { clean, expirySeconds, ...wire }
        assert.is(
          await world.device(clientId).connect(world.port, options),
          present,
          'session present'
        )
      }
    )
  )

const subscribe = fc
  .record({
    clientId: client,
    filter: fc.constantFrom(...FILTERS),
    qos,
    noLocal: fc.boolean(),
    retainAsPublished: fc.boolean(),
    retainHandling: fc.constantFrom<0 | 1 | 2>(0, 1, 2)
  })
  .map(({ clientId, filter, retainHandling, ...subscription }) =>
    step(
      `subscribe(${clientId}, ${filter}, ${JSON.stringify({ ...subscription, retainHandling })})`,
      (model) => model.isConnected(clientId),
      async (model, world) => {
        model.subscribe(clientId, filter, subscription, retainHandling)
        const { qos, noLocal: nl, retainAsPublished: rap } = subscription
        const device = world.device(clientId)
        assert.is(await device.subscribe(filter, qos, { nl, rap, rh: retainHandling }), qos)
      }
    )
  )

const unsubscribe = fc
  .record({ clientId: client, filter: fc.constantFrom(...FILTERS) })
  .map(({ clientId, filter }) =>
    step(
      `unsubscribe(${clientId}, ${filter})`,
      (model) => model.isConnected(clientId) && model.subscriptionsOf(clientId).includes(filter),
      async (model, world) => {
        model.unsubscribe(clientId, filter)
        await world.device(clientId).unsubscribe(filter)
      }
    )
  )

const publish = fc
  .record({
    from: fc.option(client, { nil: undefined }),
    topic: fc.constantFrom(...TOPICS),
    qos,
    retain: fc.boolean(),
    empty: fc.integer({ min: 0, max: 9 }).map((number) => number === 0),
    expirySeconds: fc.option(fc.constantFrom(3, 20), { nil: undefined })
  })
  .map(({ from, empty, expirySeconds, ...message }) =>
    step(
      `publish(${from ?? 'core'}, ${JSON.stringify({ ...message, empty, expirySeconds })})`,
      (model) => from === undefined || model.isConnected(from),
      async (model, world) => {
        const text = empty ? '' : freshText()
        model.publish({ ...message, text, expirySeconds, ...(from ? { from } : {}) })
        const wire = toWire({ ...message, text })
        const properties =
          expirySeconds === undefined
            ? {}
            : { properties: { messageExpiryInterval: expirySeconds } }
        if (from) assert.is(await world.device(from).publish({ ...wire, ...properties }), 0)
        else await (await world.core.space('main')).publish({ ...wire, ...properties })
      }
    )
  )

const leave = fc
  .record({ clientId: client, politely: fc.boolean() })
  .map(({ clientId, politely }) =>
    step(
      `${politely ? 'disconnect' : 'kill'}(${clientId})`,
      (model) => model.isConnected(clientId),
      async (model, world) => {
        model.leave(clientId, politely)
        const device = world.device(clientId)
        if (politely) await device.end()
        else device.kill()
        await device.closed()
        await gone(world, clientId)
      }
    )
  )

/** The other side has noticed, too. */
async function gone(world: ModelWorld, clientId: string): Promise<void> {
  const space = await world.core.space('main')
  for (let turns = 0; space.sessions().some((one) => one.clientId === clientId); turns++) {
    if (turns > 1000) throw new Error(`${clientId} is still said to be connected`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

const advance = fc.constantFrom(1, 4, 11, 31, 61).map((seconds) =>
  step(
    `advance(${seconds})`,
    () => true,
    async (model, world) => {
      model.advance(seconds)
      await world.advance(seconds)
    }
  )
)

const crash = fc.constant(
  step(
    'crash()',
    () => true,
    async (model, world) => {
      model.crash()
      await world.crash()
    }
  )
)

/**
 * Runs random sequences of steps against the model.
 *
 * @throws Error with the smallest sequence that was found to fail
 */
export async function checkModel({
  runs: numRuns,
  seed,
  steps: maxCommands
}: {
  runs: number
  seed: number
  steps: number
}): Promise<void> {
  const commands = fc.commands(
    [connect, subscribe, unsubscribe, publish, publish, leave, advance, crash],
    {
      maxCommands,
      size: 'max'
    }
  )
  const property = fc.asyncProperty(commands, async (sequence) => {
    const world = await openModelWorld(CLIENTS)
    try {
      await fc.asyncModelRun(() => ({ model: createModel(), real: world }), sequence)
    } finally {
      await world.close()
    }
  })
  const options = { numRuns, seed, interruptAfterTimeLimit: INTERRUPT_MS }
  await fc.assert(property, options).catch((error: Error) => {
    const cause = error.cause instanceof Error ? error.cause.message : ''
    throw new Error(`${error.message}\n${cause}`, { cause: error })
  })
}
