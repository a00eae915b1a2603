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
  /** Absent: no body; then Content-Length is 0, or left out where the status forbids it. */
  body?: string | Buffer
  /** Lets a WebSocket upgrade through; the value reaches the MQTT policy as `peer.principal`. */
  upgrade?: { principal: unknown }
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
  /** Undecoded. */
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
  /** Who calls, once authentication has said so. */
  principal: Principal
  /** The id of this exchange, for headers and bodies that carry one. */
  readonly requestId: string
  /** The first value of a header, or undefined. */
  header(name: string): string | undefined
}
