// Plays every transcript under fixtures/, once in memory and once over sockets.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileSchema, type JsonSchema } from '@fogbank/personality'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readAdapter, readFixtures, ROOT } from './fixtures.ts'
import { fitsMemory, runTranscript, type Over } from './runner.ts'

const fixtures = readFixtures()
const schemaFile = join(ROOT, 'fixtures/transcript.schema.json')
const checkForm = compileSchema(JSON.parse(readFileSync(schemaFile, 'utf8')) as JsonSchema)

const forms = suite('transcripts')
for (const { path, status, transcript } of fixtures) {
  forms(`${path} has the form of a transcript`, () => {
    const fault = checkForm(transcript)
    assert.is(fault && `${fault.path} ${fault.sentence} ${fault.property ?? ''}`, undefined)
    const fails = status >= 400
    assert.is(transcript.raises !== undefined, fails, '"raises" names the row of a failing one')
  })
}
forms.run()

for (const over of ['memory', 'sockets'] satisfies Over[]) {
  const contract = suite(`contract in ${over}`)
  for (const fixture of fixtures) {
    if (over === 'memory' && !fitsMemory(fixture.transcript)) continue
    contract(fixture.path, async () => {
      await runTranscript(fixture, await readAdapter(fixture.personality), over)
    })
  }
  contract.run()
}
