// The schema refuses what the runner would silently pass over.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileSchema, type JsonSchema } from '@fogbank/personality'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ROOT } from './fixtures.ts'

const file = join(ROOT, 'fixtures/transcript.schema.json')
const check = compileSchema(JSON.parse(readFileSync(file, 'utf8')) as JsonSchema)

const WHOLE = { client: 'c', topic: 't', qos: 0, retain: false }
const CASES: [step: object, path: string | undefined, property?: string][] = [
  [{ http: 'request', method: 'GET', url: '/' }, undefined],
  [{ http: 'request', url: '/' }, '/steps/0', 'method'],
  [{ http: 'request', method: 'GET', url: '/', header: {} }, '/steps/0', 'header'],
  [{ http: 'response', status: 204, empty: true }, undefined],
  [{ http: 'response', status: 200, json: null, headers: { etag: null } }, undefined],
  [{ http: 'response', status: 101 }, undefined],
  [{ http: 'response', status: 200 }, '/steps/0', 'json'],
  [{ http: 'response', status: 200, json: 1, text: '1' }, '/steps/0'],
  [{ mqtt: 'receive', ...WHOLE, text: '' }, undefined],
  [{ mqtt: 'receive', ...WHOLE }, '/steps/0', 'json'],
  [{ mqtt: 'nothing', client: 'c' }, undefined],
  [{ handler: 'listen', name: 'h' }, undefined],
  [{ handler: 'listen', name: 'h', waits: true }, undefined],
  [{ handler: 'listen', name: 'h', waits: false }, '/steps/0/waits'],
  [{ log: 'says', text: 'x' }, undefined],
  [{ log: 'says' }, '/steps/0', 'text'],
  [{ handler: 'request', method: 'POST', url: '/' }, '/steps/0', 'json'],
  [{ ws: 'send', client: 'c', text: '' }, undefined],
  [{ ws: 'send', client: 'c' }, '/steps/0', 'json'],
  [{ ws: 'closed', client: 'c', code: 999 }, '/steps/0/code'],
  [{ clock: 'advance', seconds: 0 }, '/steps/0/seconds'],
  [{ http: 'ask' }, '/steps/0/http'],
  [{}, '/steps/0', 'http'],
  [{ http: 'request', method: 'GET', url: '/', mqtt: 'nothing', client: 'c' }, '/steps/0']
]

const schema = suite('transcript.schema.json')

for (const [step, path, property] of CASES) {
  schema(`${path ? 'refuses' : 'takes'} ${JSON.stringify(step)}`, () => {
    const fault = check({ title: 't', source: 's', evidence: 'assumed', steps: [step] })
    assert.is(fault?.path, path)
    assert.is(fault?.property, property)
  })
}

schema.run()
