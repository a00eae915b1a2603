// The vendor's device SDK for Python, in a virtual environment that this test makes.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withFogbank, type World } from '../../with-fogbank.ts'
import { findPython, runScript } from './environment.ts'

/** Runs the script against a suite and answers what it printed. */
async function exchange(python: string, world: World): Promise<unknown> {
  const { fogbank } = world
  const device = await fogbank.issueClient('lamp')
  return runScript(world, {
    python,
    name: 'aws_iot_device.py',
    given: (file) => ({
      port: Number(new URL(String(fogbank.endpoints['aws-iot']!.http)).port),
      cert: file('lamp.pem', device.cert),
      key: file('lamp.key', device.key)
    })
  })
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
        payloadFormat: 1,
        messageExpiry: 60,
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
