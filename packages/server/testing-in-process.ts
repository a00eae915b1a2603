// A process of its own: uses a suite through every door, closes it with its clients connected, and says what is
// still open; it has to end by itself.
import https from 'node:https'
import { once } from 'node:events'
import mqtt, { type MqttClient } from 'mqtt'
import { startFogbank } from './index.ts'

/** Standard output is a pipe to whoever reads this. */
const OF_THE_PROCESS = new Set(['PipeWrap', 'TTYWrap'])

const clients: MqttClient[] = []

{
  await using fogbank = await startFogbank()
  const { control, shiftr } = fogbank.endpoints
  const { username, password } = shiftr.credentials
  const client = await mqtt.connectAsync(control.mqtt, { reconnectPeriod: 0 })
  await client.subscribeAsync('#')
  const secure = await mqtt.connectAsync(shiftr.mqtts, {
    username,
    password,
    ca: await fogbank.ca(),
    reconnectPeriod: 0
  })
  await secure.publishAsync('lamp', 'on', { qos: 1 })
  const web = await mqtt.connectAsync(control.ws, { reconnectPeriod: 0 })
  await web.publishAsync('lamp', 'off', { qos: 1, retain: true })
  clients.push(client, secure, web)
  const ca = await fogbank.ca()
  const request = https.get(`${control.https}/health`, { ca, agent: false })
  const [answer] = await once(request, 'response')
  answer.resume()
  await once(answer, 'end')
  await fogbank.reset()
}

// The suite has hung up; what mqtt.js itself keeps goes with its end.
for (const client of clients) await client.endAsync(true)
await new Promise((resolve) => setImmediate(resolve))
const left = process.getActiveResourcesInfo().filter((name) => !OF_THE_PROCESS.has(name))
console.log(JSON.stringify(left))
