import { join } from 'node:path'
import { createCore, systemClock, systemIds } from '@fogbank/core'
import { startOurs } from './brokers.ts'
import { withFolder } from './folder.ts'
import { mqttLoad } from './processes.ts'
import { toFigure, type Figure } from './report.ts'

const SIZES = [100, 1_000, 10_000, 100_000]
/** Topics have one length, so that the load generator can count bytes. */
const DIGITS = 6
const PAYLOAD_BYTES = 64
const TIMES = 21
/** `a/+/c` matches as many at every size above. */
const WILDCARD_MATCHES = 100
const PAGES = 1_000
const PAGE_MESSAGES = 100
const ROUNDS = 5

const number = (index: number) => String(index).padStart(DIGITS, '0')
const plain = (index: number) => `a/d${number(index)}/v`
const matching = (index: number) => `a/d${number(index)}/c`

/** The first message after SUBSCRIBE among more and more retained ones, through the plain door on level. */
export async function measureRetained(): Promise<Figure[]> {
  const literal = await withFolder(async (folder) => {
    const { port, stop } = await startOurs(folder)
    try {
      const literals: number[] = []
      const wildcards: number[] = []
      let filled = 0
      for (const size of SIZES) {
        const topics: string[] = []
        for (; filled < size; filled++) {
          topics.push(filled < WILDCARD_MATCHES ? matching(filled) : plain(filled))
        }
        await mqttLoad({ kind: 'retain', port, topics, payloadBytes: PAYLOAD_BYTES })
        const topicBytes = plain(0).length
        const job = { kind: 'subscribe', port, payloadBytes: PAYLOAD_BYTES, topicBytes } as const
        const one = { ...job, filter: matching(7), matches: 1, times: TIMES }
        literals.push((await mqttLoad(one)).firstMs)
        const many = { ...job, filter: 'a/+/c', matches: WILDCARD_MATCHES, times: 5 }
        wildcards.push((await mqttLoad(many)).allMs)
      }
      return { literals, wildcards }
    } finally {
      await stop()
    }
  })
  const against = (size: number) => `among ${size}`
  return [
    ...SIZES.slice(1).map((size, index) =>
      toFigure({
        name: `subscribe to one of ${size} retained, first message`,
        unit: 'ms',
        against: against(SIZES[0]!),
        ours: [literal.literals[index + 1]!],
        limit: [literal.literals[0]!],
        ...(size === 100_000 ? { target: { atMost: 1.5 } } : {})
      })
    ),
    ...SIZES.slice(1).map((size, index) =>
      toFigure({
        name: `a/+/c among ${size} retained, all ${WILDCARD_MATCHES}`,
        unit: 'ms',
        against: against(SIZES[0]!),
        ours: [literal.wildcards[index + 1]!],
        limit: [literal.wildcards[0]!]
      })
    ),
    await measurePages()
  ]
}

/** The last of a thousand pages of the retained list against the first. */
async function measurePages(): Promise<Figure> {
  return withFolder(async (folder) => {
    const log = { info() {}, warn() {}, error: console.error }
    const directory = join(folder, 'db')
    const core = await createCore({ directory, clock: systemClock, ids: systemIds, log })
    const space = await core.space('main')
    const payload = Buffer.alloc(PAYLOAD_BYTES, 'x')
    for (let start = 0; start < PAGES * PAGE_MESSAGES; start += 1000) {
      const some = Array.from({ length: 1000 }, (_, offset) =>
        space.publish({ topic: plain(start + offset), payload, qos: 1, retain: true })
      )
      await Promise.all(some)
    }
    const first: number[] = []
    const last: number[] = []
    // A page is asked for by what stood last on the one before: its number does not matter to its price.
    const page = async (after: string | undefined) => {
      const startedAt = performance.now()
      const { messages } = await space.retained.list({
        limit: PAGE_MESSAGES,
        ...(after === undefined ? {} : { after })
      })
      if (messages.length !== PAGE_MESSAGES) throw new Error(`a page of ${messages.length}`)
      return performance.now() - startedAt
    }
    const behind = plain((PAGES - 1) * PAGE_MESSAGES - 1)
    await page(undefined)
    for (let round = 0; round < ROUNDS * 4; round++) {
      first.push(await page(undefined))
      last.push(await page(behind))
    }
    await core.close()
    return toFigure({
      name: `page ${PAGES} of the retained list`,
      unit: 'ms',
      against: 'page 1',
      ours: last,
      limit: first,
      target: { atMost: 1.2 }
    })
  })
}
