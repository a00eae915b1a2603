// Event handlers for tests: configured over the control port, as one would while the suite runs.
import { within } from '@fogbank/contract/testing'
import {
  JSON_PROTOCOL,
  type HandlerAnswer,
  type HandlerRequest,
  type World
} from '../clients/testing.ts'

const ALL = { userEventPattern: '*', systemEvents: ['connect', 'connected', 'disconnected'] }

/** Sends a hub's events to a handler, from now on. */
export async function configure({ control }: World, eventHandlers: object[], hub = 'chat') {
  const reply = await fetch(`${control}/azure-web-pubsub/hubs/${hub}`, {
    method: 'PUT',
    body: JSON.stringify({ eventHandlers })
  })
  return { status: reply.status, body: (await reply.json()) as { error?: string } }
}

/** A handler that gets every event of hub chat. */
export async function handle(
  world: World,
  answer: (request: HandlerRequest) => HandlerAnswer | undefined,
  of: object = ALL
) {
  const handler = await world.handler(answer)
  await configure(world, [{ urlTemplate: `${handler.url}/{hub}/{event}`, ...of }])
  return handler
}

export const refusal = (world: World, options = {}) =>
  world.connect({ subprotocol: JSON_PROTOCOL, ...options }).then(
    () => 'let in',
    (error: Error) => error.message
  )

/** Moves the clock on until something happens: whatever waits for time is asked again and again. */
export async function advanceUntil<T>(
  { clock }: World,
  promise: Promise<T>,
  stepMs = 1000
): Promise<T> {
  let isOver = false
  const settled = promise.finally(() => (isOver = true))
  settled.catch(() => {})
  for (let turns = 0; !isOver && turns < 20_000; turns++) {
    await new Promise((resolve) => setImmediate(resolve))
    if (turns % 20 === 19) clock!.advance(stepMs)
  }
  return within(5000, settled, 'the outcome')
}

/** What has come of something by now, give or take the events that are on their way. */
export async function early<T>(outcome: Promise<T>): Promise<T | 'nothing yet'> {
  let soon: T | 'nothing yet' = 'nothing yet'
  void outcome.then((value) => (soon = value))
  for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve))
  return soon
}
