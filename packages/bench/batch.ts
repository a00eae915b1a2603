import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { startFogbank } from 'fogbank'
import { toFigure, type Figure } from './report.ts'

const ID = 'azure-event-grid-topics'
const ROUNDS = 60
const EVENTS = 1_000

const SETTINGS = {
  topics: [{ name: 'default' }, { name: 'cloud', inputSchema: 'CloudEventSchemaV1_0' }]
}

/** What an order looks like: a kilobyte of small members. */
const DATA = {
  customer: { id: 4711, name: 'Ada Lovelace', city: 'London' },
  items: Array.from({ length: 21 }, (_, at) => ({ sku: `A-${at}`, count: at, price: at * 1.5 }))
}

const toEvent = (id: string) => ({
  id,
  subject: `orders/${id}`,
  data: DATA,
  eventType: 'Shop.OrderPlaced',
  eventTime: '2026-01-02T03:04:05.678Z',
  dataVersion: '1.0'
})

const toCloudEvent = (id: string) => ({
  id,
  source: '/shop',
  type: 'Shop.OrderPlaced',
  specversion: '1.0',
  time: '2026-01-02T03:04:05.678Z',
  data: DATA
})

/** A megabyte of a thousand events through the whole pipeline, against JSON.parse of the same text. */
export async function measureBatch(): Promise<Figure[]> {
  const silent = { info() {}, warn() {}, error() {} }
  const fogbank = await startFogbank({ only: [ID], config: { [ID]: SETTINGS }, log: silent })
  try {
    const { answer } = fogbank.personalities.get(ID)!
    const figures: Figure[] = []
    for (const [schema, topic, make] of [
      ['Event Grid schema', 'default', toEvent],
      ['CloudEvents', 'cloud', toCloudEvent]
    ] as const) {
      const events = Array.from({ length: EVENTS }, (_, at) => make(`e${at}`))
      const text = JSON.stringify(events)
      const body = Buffer.from(text)
      const publish = () =>
        answer({
          method: 'POST',
          target: `/${topic}/api/events`,
          headers: {
            host: 'localhost',
            'aeg-sas-key': DEVELOPMENT_KEYS.topicKey1,
            'content-type': 'application/cloudevents-batch+json'
          },
          peer: { address: '127.0.0.1', port: 0, transport: 'tcp' },
          upgrade: false,
          readBody: async () => body
        })
      const ours: number[] = []
      const limit: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        limit.push(await toRate(async () => void JSON.parse(text)))
        ours.push(
          await toRate(async () => {
            const { status } = await publish()
            if (status !== 200) throw new Error(`a batch was answered ${status}`)
          })
        )
      }
      const name = `batch of ${EVENTS} events, ${Math.round(body.length / 1024)} KB, ${schema}`
      figures.push(
        toFigure({
          name,
          unit: 'batches/s',
          against: 'JSON.parse',
          ours,
          limit,
          target: { atLeast: 1 / 3 }
        })
      )
    }
    return figures
  } finally {
    await fogbank.close()
  }
}

async function toRate(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return 1000 / (performance.now() - startedAt)
}
