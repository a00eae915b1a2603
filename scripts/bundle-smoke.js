// The bundle starts in memory and on disk, answers, and stops.
import { resolve } from 'node:path'
import { probe } from './probe.js'

const bundle = resolve('dist/fogbank.cjs')
await probe(bundle, ['--ephemeral'])
await probe(bundle)
console.log('the bundle starts, answers and stops')
