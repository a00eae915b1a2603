// npm run bench: our figures beside their limits, in the same run. No figure is asserted anywhere.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { measureBatch } from './batch.ts'
import { measureConnections } from './connections.ts'
import { measureEventGrid } from './event-grid.ts'
import { measureHttp } from './http.ts'
import { measureMqtt } from './mqtt.ts'
import { print, type Figure } from './report.ts'
import { measureRetained } from './retained.ts'
import { measureShadows } from './shadows.ts'
import { measureStart } from './start.ts'
import { measureWebPubSub } from './web-pubsub.ts'

const PARTS: Record<string, (narrower?: string) => Promise<Figure[]>> = {
  mqtt: measureMqtt,
  http: measureHttp,
  'event-grid': measureEventGrid,
  batch: measureBatch,
  retained: measureRetained,
  shadows: measureShadows,
  connections: measureConnections,
  start: measureStart,
  'web-pubsub': measureWebPubSub
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string', default: 'dist/bench.json' } }
})
const [wanted, narrower] = positionals
if (wanted !== undefined && !PARTS[wanted]) {
  throw new Error(`no part is called ${wanted}; there are ${Object.keys(PARTS).join(', ')}`)
}
const figures: Figure[] = []
for (const [name, measure] of Object.entries(PARTS)) {
  if (wanted !== undefined && wanted !== name) continue
  const measured = await measure(narrower)
  print(measured)
  figures.push(...measured)
}
mkdirSync(dirname(values.json), { recursive: true })
writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`)
