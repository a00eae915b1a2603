// The device SDK in a process of its own: its native threads keep one alive long after the last connection.
// Argv is one Job as JSON; what came of it is printed, as JSON.
import { once } from 'node:events'
import { auth, iot, mqtt5 } from 'aws-iot-device-sdk-v2'
import { within } from '../within.ts'

/** A message whose bytes are text. */
export type TextMessage = Omit<mqtt5.PublishPacket, 'correlationData'> & { correlationData: string }

/** How to connect, and what to send to oneself. */
export interface Job {
  port: number
  ca: string
  /** PEM; absent: by signature over WebSocket. */
  certificate?: { cert: string; key: string }
  message: TextMessage
}

/** What the service said, and the message as it came back. */
export interface Outcome {
  connack: number
  maximumQos: number
  receiveMaximum: number
  topicAliasMaximum: number
  suback: number[]
  puback: number | undefined
  message: TextMessage
}

const WAIT_MS = 10_000
const { AwsIotMqtt5ClientConfigBuilder: Builder } = iot
const bytesToText = (bytes: unknown) => Buffer.from(bytes as ArrayBuffer).toString()

function toBuilder({ certificate }: Job): iot.AwsIotMqtt5ClientConfigBuilder {
  if (certificate) {
    const { cert, key } = certificate
    return Builder.newDirectMqttBuilderWithMtlsFromMemory('localhost', cert, key)
  }
  const credentialsProvider = auth.AwsCredentialsProvider.newStatic('test', 'test')
  const region = 'us-east-1'
  return Builder.newWebsocketMqttBuilderWithSigv4Auth('localhost', { credentialsProvider, region })
}

async function exchange(job: Job): Promise<Outcome> {
  const config = toBuilder(job)
    .withCertificateAuthority(job.ca)
    .withPort(job.port)
    .withConnectProperties({ clientId: 'lamp', keepAliveIntervalSeconds: 60 })
    .build()
  const client = new mqtt5.Mqtt5Client(config)
  const wait = <T extends unknown[]>(event: string) =>
    within(WAIT_MS, once(client, event) as Promise<T>, event)
  const connected = wait<[mqtt5.ConnectionSuccessEvent]>('connectionSuccess')
  client.start()
  const [{ connack, settings }] = await connected
  const { topicName: topicFilter, qos } = job.message
  const suback = await client.subscribe({ subscriptions: [{ topicFilter, qos }] })
  const received = wait<[mqtt5.MessageReceivedEvent]>('messageReceived')
  const correlationData = Buffer.from(job.message.correlationData)
  const puback = await client.publish({ ...job.message, correlationData })
  const [{ message }] = await received
  const stopped = wait('stopped')
  client.stop()
  await stopped
  return {
    connack: connack.reasonCode,
    maximumQos: settings.maximumQos,
    receiveMaximum: settings.receiveMaximumFromServer,
    topicAliasMaximum: settings.topicAliasMaximumToServer,
    suback: suback.reasonCodes,
    puback: puback?.reasonCode,
    message: {
      ...message,
      payload: bytesToText(message.payload),
      correlationData: bytesToText(message.correlationData)
    }
  }
}

exchange(JSON.parse(process.argv[2] ?? '{}') as Job).then(
  (outcome) => process.stdout.write(JSON.stringify(outcome), () => process.exit(0)),
  (error: unknown) => process.stderr.write(String(error), () => process.exit(1))
)
