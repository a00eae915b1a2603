// What Event Hubs and Service Bus are to their official clients: an AMQP 1.0 peer that takes a token by
// claims-based security, then messages. Their emulators are container images, this is a port.
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import rhea, { type EventContext, type Message, type Receiver, type Sender } from 'rhea'
import { createQueue } from '@fogbank/contract/testing'

const WAIT_MS = 10_000
const CLAIMS = '$cbs'
export const AMQP_KEY_NAME = 'RootManageSharedAccessKey'
export const AMQP_KEY = 'c2VuZGVyLWtleQ=='

/** One message as it was sent. */
export interface SentMessage {
  /** The queue, topic or hub. */
  to: string
  /** Text of its data section. */
  body: string
  message: Message
}

export interface AmqpPeer {
  connectionString: string
  /** Entities that are there. */
  entities: Set<string>
  /** Answers the next messages with this error instead of taking them. */
  refuse: { condition: string; description: string } | undefined
  next(): Promise<SentMessage>
  close(): Promise<void>
}

export async function createAmqpPeer(): Promise<AmqpPeer> {
  const container = rhea.create_container({ id: 'peer', autoaccept: false })
  // rhea has no types for what it puts into its own object when it is asked about mechanisms.
  const { sasl_server_mechanisms: mechanisms } = container as unknown as {
    sasl_server_mechanisms: Record<string, unknown> & { enable_anonymous(): void }
  }
  mechanisms.enable_anonymous()
  mechanisms.MSSBCBS = mechanisms.ANONYMOUS
  const sent = createQueue<SentMessage>()
  const sockets = new Set<{ destroy(): void }>()

  container.on('receiver_open', ({ receiver }: EventContext) => {
    const address = addressOf(receiver!)
    receiver!.set_target({ address })
    if (address !== CLAIMS && !peer.entities.has(address)) {
      const description = `The messaging entity '${address}' could not be found.`
      receiver!.close({ condition: 'amqp:not-found', description })
    }
  })
  container.on('sender_open', ({ sender }: EventContext) => {
    sender!.set_source({ address: attachOf(sender!).source.address })
  })
  container.on('message', (context: EventContext) => {
    const { receiver, delivery, message } = context
    const address = addressOf(receiver!)
    if (address === CLAIMS) {
      delivery!.accept()
      return answerClaim(context)
    }
    if (peer.refuse) return void delivery!.reject(peer.refuse)
    delivery!.accept()
    for (const one of toMessages(message!)) {
      sent.put({ to: address, body: textOf(one.body), message: one })
    }
  })
  // A client that goes away in the middle is no fault of the peer's.
  container.on('disconnected', () => {})

  const server = container.listen({ port: 0, host: '127.0.0.1' }) as Server
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const peer: AmqpPeer = {
    connectionString: [
      `Endpoint=sb://127.0.0.1:${port}`,
      `SharedAccessKeyName=${AMQP_KEY_NAME}`,
      `SharedAccessKey=${AMQP_KEY}`,
      'UseDevelopmentEmulator=true'
    ].join(';'),
    entities: new Set(),
    refuse: undefined,
    next: () => sent.next(WAIT_MS, 'a message to the AMQP peer'),
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    }
  }
  return peer
}

interface Attach {
  source: { address: string }
  target: { address: string }
}

/** What the client opened a link with; rhea keeps it, its types do not say so. */
const attachOf = (link: Receiver | Sender) =>
  (link as unknown as { remote: { attach: Attach } }).remote.attach

/** A sender of the client's is a receiver here: its target names the entity. */
const addressOf = (receiver: Receiver) => attachOf(receiver).target.address

/** put-token: 202 for a signature by the key, 401 otherwise. */
function answerClaim({ message, connection }: EventContext): void {
  const { reply_to: replyTo, message_id: id, body } = message!
  const isRight = isSigned(String(body))
  connection.each_sender((sender: Sender) => {
    if (attachOf(sender).target.address !== replyTo && sender.name !== replyTo) return
    sender.send({
      to: replyTo!,
      correlation_id: id!,
      application_properties: {
        'status-code': isRight ? 202 : 401,
        'status-description': isRight ? 'Accepted' : 'InvalidSignature'
      },
      body: ''
    })
  })
}

/** `SharedAccessSignature sr=…&sig=…&se=…&skn=…`, signed over the encoded resource and the expiry. */
function isSigned(token: string): boolean {
  const fields = new Map(
    token
      .replace('SharedAccessSignature ', '')
      .split('&')
      .map((field) => field.split(/=(.*)/s, 2) as [string, string])
  )
  const hmac = createHmac('sha256', AMQP_KEY).update(`${fields.get('sr')}\n${fields.get('se')}`)
  return (
    fields.get('skn') === AMQP_KEY_NAME &&
    decodeURIComponent(fields.get('sig') ?? '') === hmac.digest('base64')
  )
}

/** A batch of Azure's, which rhea leaves as it came, has encoded messages for data sections. */
function toMessages(message: Message | Buffer): Message[] {
  if (!Buffer.isBuffer(message)) return [message]
  const { content } = decode(message).body as { content: Buffer | Buffer[] }
  return [content].flat().map(decode)
}

const decode = (encoded: Buffer) => rhea.message.decode(encoded) as unknown as Message

const textOf = (body: { content: Buffer }) => body.content.toString()
