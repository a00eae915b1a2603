// A user's program: sends one text by each SDK for JavaScript, to where its environment says.
import { IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane'
import { EventGridSenderClient } from '@azure/eventgrid-namespaces'
import { DefaultAzureCredential } from '@azure/identity'
import { WebPubSubServiceClient } from '@azure/web-pubsub'

const [text = ''] = process.argv.slice(2)
const { FOGBANK_AZURE_EVENT_GRID_NAMESPACES_ENDPOINT = '', WebPubSubConnectionString = '' } =
  process.env
const tell = (flow: string) => console.log(JSON.stringify({ flow }))

await new IoTDataPlaneClient({}).send(
  new PublishCommand({ topic: 'flows/line1', qos: 1, payload: text })
)
tell('aws-iot')

await new EventGridSenderClient(
  FOGBANK_AZURE_EVENT_GRID_NAMESPACES_ENDPOINT,
  new DefaultAzureCredential(),
  'default'
).sendEvents({
  id: '1',
  type: 'flows.text',
  source: '/javascript',
  data: { text },
  specVersion: '1.0'
})
tell('azure-event-grid-namespaces')

await new WebPubSubServiceClient(WebPubSubConnectionString, 'flows').sendToAll(text, {
  contentType: 'text/plain'
})
tell('azure-web-pubsub')
