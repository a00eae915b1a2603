import { join } from 'node:path'
import { startFogbank } from 'fogbank'
import { withFolder } from './folder.ts'
import { sign } from './http.ts'
import { toFigure, type Figure } from './report.ts'

const OTHERS = { few: 1, many: 10_000 }
const SHADOWS = 100
const ROUNDS = 50
/** Updates that are under way at once. */
const AT_ONCE = 500
const STATE = JSON.stringify({ state: { reported: { on: true } } })

/** A page of one thing's named shadows beside more and more other things. */
export async function measureShadows(): Promise<Figure[]> {
  return withFolder(async (folder) => {
    const few = await start(join(folder, 'few'), OTHERS.few)
    const many = await start(join(folder, 'many'), OTHERS.many)
    const ours: number[] = []
    const limit: number[] = []
    for (let round = -ROUNDS; round < ROUNDS; round++) {
      const [fewMs, manyMs] = [await few.page(), await many.page()]
      if (round < 0) continue // to warm both up
      limit.push(fewMs)
      ours.push(manyMs)
    }
    await few.close()
    await many.close()
    const figure = toFigure({
      name: `page of ${SHADOWS} named shadows beside ${OTHERS.many} things`,
      unit: 'ms',
      against: `beside ${OTHERS.few}`,
      ours,
      limit,
      target: { atMost: 1.2 }
    })
    return [figure]
  })
}

async function start(dataDir: string, others: number) {
  const log = { info() {}, warn() {}, error: console.error }
  const fogbank = await startFogbank({ only: ['aws-iot'], dataDir, log })
  const http = String(fogbank.endpoints['aws-iot']!.http)
  const port = Number(new URL(http).port)

  async function update(thing: string, name?: string): Promise<void> {
    const path = `/things/${thing}/shadow`
    const query: Record<string, string> = name === undefined ? {} : { name }
    const headers = await sign(port, 'POST', path, STATE, query)
    const url = `http://127.0.0.1:${port}${path}?${new URLSearchParams(query).toString()}`
    const reply = await fetch(url, { method: 'POST', headers, body: STATE })
    if (!reply.ok) throw new Error(`${url}: ${reply.status} ${await reply.text()}`)
    await reply.arrayBuffer()
  }

  // Half of them in front of ours, half behind.
  const things = Array.from({ length: others }, (_, index) => `${index % 2 ? 'a' : 'z'}${index}`)
  for (let from = 0; from < things.length; from += AT_ONCE) {
    await Promise.all(things.slice(from, from + AT_ONCE).map((thing) => update(thing)))
  }
  for (let index = 0; index < SHADOWS; index++) await update('lamp', `s${index}`)
  const path = '/api/things/shadow/ListNamedShadowsForThing/lamp'
  return {
    async page(): Promise<number> {
      const headers = await sign(port, 'GET', path, '')
      const startedAt = performance.now()
      const reply = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
      const { results } = (await reply.json()) as { results: string[] }
      if (results.length !== SHADOWS) throw new Error(`a page of ${results.length}`)
      return performance.now() - startedAt
    },
    close: () => fogbank.close()
  }
}
