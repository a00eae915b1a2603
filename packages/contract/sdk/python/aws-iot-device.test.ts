// The vendor's device SDK for Python, in a virtual environment that this test makes.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withFogbank, type World } from '../../with-fogbank.ts'
import { within } from '../../within.ts'
import { findPython } from './environment.ts'

const SCRIPT_MS = 60_000

/** Runs the script against a suite and answers what it printed. */
async function exchange(python: string, { fogbank }: World): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-python-'))
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const device = await fogbank.issueClient('lamp')
  const script = spawn(python, [join(import.meta.dirname, 'aws_iot_device.py')])
  try {
    script.stdin.end(
      JSON.stringify({
        port: Number(new URL(String(fogbank.endpoints['aws-iot']!.http)).port),
        ca: file('ca.pem', await fogbank.ca()),
        cert: file('lamp.pem', device.cert),
        key: file('lamp.key', device.key)
      })
    )
    const printed = Promise.all([text(script.stdout), text(script.stderr)])
    const [output, complaint] = await within(SCRIPT_MS, printed, 'the script of the SDK')
    if (output === '') throw new Error(complaint)
    return JSON.parse(output)
  } finally {
    script.kill()
    rmSync(folder, { recursive: true })
  }
}

const sdk = suite('aws-iot device SDK for Python')
const found = await findPython()

if ('reason' in found) {
  sdk(`is left out: ${found.reason}`, () => console.log(found.reason))
} else {
  sdk('connects by certificate and by signed WebSocket, and gets every property back', () =>
    withFogbank({ only: ['aws-iot'] }, async (world) => {
      const message = (name: string) => ({
        puback: 0,
        topic: `${name}/state`,
        payload: '{"on":1}',
        contentType: 'application/json',
        responseTopic: 'answers/here',
        correlationData: 'abc',
        userProperties: [['deviceName', 'alpha']]
      })
      assert.equal(await exchange(found.python, world), {
        lamp: message('lamp'),
        door: message('door')
      })
    })
  )
}

sdk.run()
