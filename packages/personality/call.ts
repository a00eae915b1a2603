import type { IncomingMessage } from 'node:http'
import type { Peer } from '@fogbank/core'
import type { Operation } from './operations.ts'

/** An HTTP answer, before it becomes bytes. */
export interface Reply {
  status: number
  /** Reason phrase, where it differs from the usual one. */
  reason?: string
  headers?: Record<string, string>
  /** Headers of every answer of the personality, behind the others; no name may stand in both. */
  commonHeaders?: Record<string, string>
  /**
   * Absent: no body; then Content-Length is 0, or left out where the status forbids it. With a
   * `Transfer-Encoding` among the headers there is none either.
   */
  body?: string | Buffer
  /**
   * Lets a WebSocket upgrade through: to MQTT, whose policy finds the value as `peer.principal`, or to
   * whoever takes the WebSocket itself.
   */
  upgrade?: { principal: unknown } | { webSocket: WebSocketTaker }
  /** For our log line, never for the client: `topic=a principal=b`. */
  detail?: string
}

/** Takes over the WebSocket that an upgrade opens. */
export interface WebSocketTaker {
  /** The one to answer with, of those that were offered. Absent: none is named. */
  subprotocol?: string
  /** Called once; undefined when the client was gone before it was let in. */
  opened(socket: ClientSocket | undefined): void
}

/** A WebSocket with a client at its other end. After its end nothing is sent, and nothing fails. */
export interface ClientSocket {
  /** Sends a text or a binary message. */
  send(frame: string | Buffer): void
  /** Bytes that were sent and that the network has not taken yet. */
  readonly bufferedBytes: number
  /** Says why and ends; a reason is cut where a closing frame is full. */
  close(code: number, reason: string): void
  /** Ends without a word. */
  terminate(): void
  /** Stops reading; what was read already may still come. */
  pause(): void
  resume(): void
  /** Whom to tell of what comes; `closed` is the last, with the code that the client gave. */
  listen(listener: ClientSocketListener): void
}

export interface ClientSocketListener {
  message(payload: Buffer, isBinary: boolean): void
  /** 1005: a closing frame without a code, 1006: none at all [RFC 6455 7.1.5]. */
  closed(code: number, reason: string): void
}

/** A request as it came off the wire. */
export interface RawRequest {
  method: string
  /** The request target, untouched. */
  target: string
  /** Lower-case names; repeated headers as Node joins them. */
  headers: Record<string, string | string[] | undefined>
  peer: Peer
  /** Asks for `Upgrade: websocket`. */
  upgrade: boolean
  /** Reads at most `maximumBytes`; undefined when there are more. */
  readBody(maximumBytes: number): Promise<Buffer | undefined>
  /** Present over sockets, absent in memory. */
  incoming?: IncomingMessage
}

/** One request on its way through a personality. */
export interface Call<State = unknown, Principal = unknown> {
  readonly state: State
  readonly request: RawRequest
  /** Undecoded; as `toPath` of the definition has it. */
  readonly path: string
  /** Undecoded. */
  readonly rawQuery: string
  /** The operation that was found; undefined before matching, or when there is none. */
  operation: Operation<State> | undefined
  operationName: string
  /** Decoded path parameters. */
  params: Record<string, string>
  /** Decoded query parameters; names in lower case when the personality says so. */
  query: Record<string, string>
  /** The body, once the size stage (or authentication) has read it. */
  body: Buffer
  /** The body as JSON, where the schema stage has read it as that. */
  json?: unknown
  /** Who calls, once authentication has said so. */
  principal: Principal
  /** The id of this exchange, for headers and bodies that carry one. */
  readonly requestId: string
  /** The first value of a header, or undefined. */
  header(name: string): string | undefined
}
