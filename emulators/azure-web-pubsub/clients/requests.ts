import type { HubMessage } from '../message.ts'

/** What a message carries, without whence and where to. */
export type Payload = Pick<HubMessage, 'dataType' | 'data' | 'metadata'>

/** What a client of a subprotocol asks for, whichever way it was written. */
export type ClientRequest =
  | { type: 'joinGroup' | 'leaveGroup'; group: string; ackId: bigint | undefined }
  | {
      type: 'sendToGroup'
      group: string
      payload: Payload
      noEcho: boolean
      /** 0: does not expire. */
      ttlSeconds: number
      ackId: bigint | undefined
    }
  | { type: 'event'; event: string; payload: Payload; ackId: bigint | undefined }
  | { type: 'invoke'; invocationId: string; event: string; payload: Payload | undefined }
  | { type: 'cancelInvocation'; invocationId: string }
  | { type: 'sequenceAck'; sequenceId: bigint }
  | { type: 'ping' }

/** One WebSocket message: a text or a binary one. */
export type Frame = string | Buffer

/** What the service tells the client of one request. */
export interface AckError {
  name: string
  message: string
}

/** One subprotocol's way of writing all this. The same for every connection; keeps nothing. */
export interface Codec {
  /** As the reasons of closing frames name it. */
  readonly title: string
  /** @throws ProviderError MessageInvalid, FrameTypeInvalid */
  parse(payload: Buffer, isBinary: boolean): ClientRequest
  connected(
    connectionId: string,
    userId: string | null,
    reconnectionToken: string | undefined
  ): Frame
  disconnected(message: string): Frame
  ack(ackId: bigint, error?: AckError): Frame
  pong(): Frame
  message(message: HubMessage, sequenceId?: bigint): Frame
  invokeResponse(invocationId: string, outcome: { payload?: Payload } | { error: AckError }): Frame
}
