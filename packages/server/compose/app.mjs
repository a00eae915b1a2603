// The application of docker-compose.yml: an SDK that is told where to go by its variables alone.
import {
  GetRetainedMessageCommand,
  IoTDataPlaneClient,
  PublishCommand
} from '@aws-sdk/client-iot-data-plane'

const iot = new IoTDataPlaneClient()
await iot.send(new PublishCommand({ topic: 'lamps/1', qos: 1, retain: true, payload: 'on' }))
const { payload } = await iot.send(new GetRetainedMessageCommand({ topic: 'lamps/1' }))
console.log(`lamps/1 is ${Buffer.from(payload).toString()}`)
