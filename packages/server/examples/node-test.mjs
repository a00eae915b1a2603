// node --test node-test.mjs
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane'
import { startFogbank } from 'fogbank'
import mqtt from 'mqtt'

const fogbank = await startFogbank({ only: ['aws-iot'] })
const { http, credentials } = fogbank.endpoints['aws-iot']
const iot = new IoTDataPlaneClient({ endpoint: http, region: credentials.region, credentials })
const lamp = await mqtt.connectAsync(fogbank.endpoints.control.mqtt)
after(() => lamp.endAsync().then(fogbank.close))

test('a command reaches the lamp', async () => {
  await lamp.subscribeAsync('lamps/1')
  const heard = new Promise((resolve) => lamp.once('message', (_, text) => resolve(`${text}`)))
  await iot.send(new PublishCommand({ topic: 'lamps/1', qos: 1, payload: 'on' }))
  assert.equal(await heard, 'on')
})
