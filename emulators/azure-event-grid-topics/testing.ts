// The personality in a suite of its own, and short ways to publish to it.
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { withFogbank, type HttpAnswer, type World } from '@fogbank/contract'
import type { Settings } from './settings.ts'

export const ID = 'azure-event-grid-topics'

export const EVENT = {
  id: 'e1',
  subject: 'orders/1',
  data: { hello: 'world' },
  eventType: 'Shop.OrderPlaced',
  eventTime: '2026-01-02T03:04:05Z',
  dataVersion: '1.0'
}

export const CLOUD_EVENT = {
  id: 'c1',
  source: '/shop',
  type: 'Shop.OrderPlaced',
  specversion: '1.0',
  data: { hello: 'world' }
}

export const BATCH = { 'content-type': 'application/cloudevents-batch+json; charset=utf-8' }
export const STRUCTURED = { 'content-type': 'application/cloudevents+json' }

export interface Topics {
  world: World
  /** Publishes with the first key, or with none; a body that is no text is sent as JSON. */
  publish(
    body: unknown,
    more?: { target?: string; headers?: Record<string, string>; method?: string; key?: null }
  ): Promise<HttpAnswer>
  /** Status, and key of the row that the log names: `400 PropertyMissing`. */
  outcome(...args: Parameters<Topics['publish']>): Promise<string>
}

/** Starts the personality with these settings, runs, and closes it. */
export async function withTopics<T>(
  options: { settings?: Settings; auth?: 'strict' | 'lenient'; manualClock?: boolean },
  run: (topics: Topics) => Promise<T>
): Promise<T> {
  const { settings, ...rest } = options
  const config = settings ? { [ID]: settings } : {}
  return withFogbank({ only: [ID], config, ...rest }, (world) => {
    const publish: Topics['publish'] = (
      body,
      { target = '/api/events', headers, method, key } = {}
    ) =>
      world.http(
        { at: ID },
        {
          method: method ?? 'POST',
          target,
          headers: {
            ...(key === null ? {} : { 'aeg-sas-key': DEVELOPMENT_KEYS.topicKey1 }),
            'content-type': 'application/json',
            ...headers
          },
          body: toBytes(body)
        }
      )
    return run({
      world,
      publish,
      async outcome(...args) {
        const { status } = await publish(...args)
        const line = world.lines.findLast((one) => /^\S+ \S+ \d{3} \w+/.test(one)) ?? ''
        return `${status} ${line.split(' ')[3]}`
      }
    })
  })
}

function toBytes(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}

/** The message of an error answer. */
export const messageOf = ({ body }: HttpAnswer): string =>
  (JSON.parse(body.toString()) as { error: { message: string } }).error.message
