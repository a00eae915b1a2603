// npx jest jest.test.cjs
const { IoTDataPlaneClient, PublishCommand } = require('@aws-sdk/client-iot-data-plane')
const { startFogbank } = require('fogbank')
const mqtt = require('mqtt')

let fogbank, iot, lamp
beforeAll(async () => {
  fogbank = await startFogbank({ only: ['aws-iot'] })
  const { http, credentials } = fogbank.endpoints['aws-iot']
  iot = new IoTDataPlaneClient({ endpoint: http, region: credentials.region, credentials })
  lamp = await mqtt.connectAsync(fogbank.endpoints.control.mqtt)
})
afterAll(() => lamp.endAsync().then(fogbank.close))

test('a command reaches the lamp', async () => {
  await lamp.subscribeAsync('lamps/1')
  const heard = new Promise((resolve) => lamp.once('message', (_, text) => resolve(`${text}`)))
  await iot.send(new PublishCommand({ topic: 'lamps/1', qos: 1, payload: 'on' }))
  expect(await heard).toBe('on')
})
