// npx vitest run vitest.test.mjs
import { IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane'
import { startFogbank } from 'fogbank'
import mqtt from 'mqtt'
import { afterAll, expect, test } from 'vitest'

const fogbank = await startFogbank({ only: ['aws-iot'] })
const { http, credentials } = fogbank.endpoints['aws-iot']
const iot = new IoTDataPlaneClient({ endpoint: http, region: credentials.region, credentials })
const lamp = await mqtt.connectAsync(fogbank.endpoints.control.mqtt)
afterAll(() => lamp.endAsync().then(fogbank.close))

test('a command reaches the lamp', async () => {
  await lamp.subscribeAsync('lamps/1')
  const heard = new Promise((resolve) => lamp.once('message', (_, text) => resolve(`${text}`)))
  await iot.send(new PublishCommand({ topic: 'lamps/1', qos: 1, payload: 'on' }))
  expect(await heard).toBe('on')
})
