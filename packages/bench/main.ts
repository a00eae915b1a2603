// npm run bench: our figures beside their limits, in the same run. No figure is asserted anywhere.
import { mkdirSync, writeFileSync } from 'node:fs'
import { measureBatch } from './batch.ts'
import { measureHttp } from './http.ts'
import { measureStart } from './start.ts'
import { print, type Figure } from './report.ts'

const [wanted, door] = process.argv.slice(2)
const figures: Figure[] = []
if (!wanted || wanted === 'http') figures.push(...(await measureHttp(door)))
if (!wanted || wanted === 'batch') figures.push(...(await measureBatch()))
if (!wanted || wanted === 'start') figures.push(...(await measureStart()))
print(figures)
mkdirSync('dist', { recursive: true })
writeFileSync('dist/bench.json', `${JSON.stringify(figures, null, 2)}\n`)
