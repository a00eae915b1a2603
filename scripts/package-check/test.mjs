// Run by `npx fogbank exec`: three vendors' SDKs, told where to go by the variables alone.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  GetRetainedMessageCommand,
  IoTDataPlaneClient,
  PublishCommand
} from '@aws-sdk/client-iot-data-plane'
import { EventGridPublisherClient } from '@azure/eventgrid'
import { DefaultAzureCredential } from '@azure/identity'
import { WebPubSubServiceClient } from '@azure/web-pubsub'
import { WebSocket } from 'ws'

const { FOGBANK_AZURE_EVENT_GRID_TOPICS_ENDPOINT, WebPubSubConnectionString } = process.env

const iot = new IoTDataPlaneClient()
await iot.send(new PublishCommand({ topic: 'lamps/1', qos: 1, retain: true, payload: 'on' }))
const kept = await iot.send(new GetRetainedMessageCommand({ topic: 'lamps/1' }))
assert.equal(Buffer.from(kept.payload).toString(), 'on')
iot.destroy()

const credential = new DefaultAzureCredential()
const { token } = await credential.getToken('https://eventgrid.azure.net/.default')
assert.equal(token.split('.').length, 3)
const eventGrid = new EventGridPublisherClient(
  FOGBANK_AZURE_EVENT_GRID_TOPICS_ENDPOINT,
  'EventGrid',
  credential
)
await eventGrid.send([{ subject: 'lamps/1', eventType: 'Lamp.On', dataVersion: '1', data: {} }])

const webPubSub = new WebPubSubServiceClient(WebPubSubConnectionString, 'lamps')
const { url } = await webPubSub.getClientAccessToken()
const lamp = new WebSocket(url)
await once(lamp, 'open')
const heard = once(lamp, 'message')
await webPubSub.sendToAll('on', { contentType: 'text/plain' })
const [text] = await heard
assert.equal(String(text), 'on')
lamp.close()
await once(lamp, 'close')
console.log('three SDKs were answered')
