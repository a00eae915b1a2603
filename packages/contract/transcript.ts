import type { IClientOptions } from 'mqtt'
import type { Fogbank } from 'fogbank'
import type { Evidence } from '@fogbank/personality'

/** A body of an HTTP message or the payload of an MQTT one; at most one of them. */
export interface Content {
  /** Compared whole; placeholders (match.ts) may stand in it. */
  json?: unknown
  text?: string
  base64?: string
}

export interface RequestStep extends Content {
  http: 'request'
  method: string
  /** Path and query, sent as they are. `<same:NAME>` is replaced by what was captured, percent-encoded. */
  url: string
  headers?: Record<string, string>
  /** Name the adapter knows. */
  credential?: string
  /** The text so many times over, for what is too long to be written out. */
  repeat?: number
  /** https instead of http. */
  secure?: boolean
  /** Another personality, or `control`. @default the transcript's own */
  at?: string
}

export interface ResponseStep extends Content {
  http: 'response'
  status: number
  /** Compared over sockets, placeholders filled in; in memory there is none. */
  reason?: string
  /** Only these are compared; null: the header must not be there. */
  headers?: Record<string, string | null>
  /** The body must have no byte. */
  empty?: true
}

export interface ConnectStep {
  mqtt: 'connect'
  /** Names the client in later steps; a name may be used again after `disconnected` or `end`. */
  client: string
  /** Name the adapter knows. */
  credential?: string
  /** @default 5 */
  version?: 3 | 4 | 5
  /** @default the client's name */
  clientId?: string
  clean?: boolean
  keepalive?: number
  properties?: Record<string, unknown>
  will?: Content & { topic: string; qos?: 0 | 1 | 2; retain?: boolean }
  /** mqtts instead of mqtt. */
  secure?: boolean
  /** Another personality, or `control` for the plain door. @default the transcript's own */
  at?: string
  /** The CONNACK must refuse with this code. */
  refused?: number
  /** CONNACK properties that are compared, one by one. */
  connack?: Record<string, unknown>
}

export interface SubscribeStep {
  mqtt: 'subscribe'
  client: string
  /** A list: all of them in one SUBSCRIBE. */
  filter: string | string[]
  qos: 0 | 1 | 2
  /** Codes of the SUBACK; null: there is none, the connection ends. @default qos for each filter */
  granted?: number | number[] | null
}

export interface PublishStep extends Content {
  mqtt: 'publish'
  client: string
  topic: string
  qos: 0 | 1 | 2
  retain: boolean
  properties?: MessageProperties
  /** Code of the PUBACK or PUBREC. @default 0 */
  reasonCode?: number
}

/** The next message the client is sent, compared whole; properties that are not named must be absent. */
export interface ReceiveStep extends Content {
  mqtt: 'receive'
  client: string
  topic: string
  qos: 0 | 1 | 2
  retain: boolean
  properties?: MessageProperties
}

/** MQTT 5 properties of a PUBLISH as a transcript writes them. */
export interface MessageProperties {
  payloadFormatIndicator?: boolean
  messageExpiryInterval?: number | string
  contentType?: string
  responseTopic?: string
  /** UTF-8 text; base64 behind `base64:` for anything else. */
  correlationData?: string
  userProperties?: [name: string, value: string][]
}

/** A WebSocket client of the transcript's own personality comes in; a refusal is shown by HTTP steps. */
export interface WsConnectStep {
  ws: 'connect'
  /** Names the client in later steps; a name may be used again. */
  client: string
  /** Path and query; `<same:NAME>` is replaced by what was captured, percent-encoded. */
  url: string
  headers?: Record<string, string>
  /** Name the adapter knows. */
  credential?: string
  /** Offered, in this order. @default none */
  subprotocol?: string | string[]
  /** The one that is answered; empty: none. */
  chosen?: string
}

/** One message: binary with `base64`, text otherwise. */
export interface WsSendStep extends Content {
  ws: 'send'
  client: string
}

/** The next message the client is sent, compared whole: binary with `base64`, text otherwise. */
export interface WsReceiveStep extends Content {
  ws: 'receive'
  client: string
}

/** The user's own server answers the next request that has no answer yet so; otherwise 200 without a body. */
export interface HandlerAnswerStep extends Content {
  handler: 'answer'
  status: number
  headers?: Record<string, string>
}

/** The next request that the suite sent to the user's own server. */
export interface HandlerRequestStep extends Content {
  handler: 'request'
  method: string
  url: string
  /** Only these are compared; null: the header must not be there. */
  headers?: Record<string, string | null>
}

export type HandlerStep =
  /**
   * A server of the user's own starts; later steps find its URL as `<same:NAME>`.
   * waits: each request, webhook validations among them, waits for the answer that a later step gives.
   */
  { handler: 'listen'; name: string; waits?: true } | HandlerAnswerStep | HandlerRequestStep

export type WsStep =
  | WsConnectStep
  | WsSendStep
  | WsReceiveStep
  /** The server ends the connection, with this code and reason. */
  | { ws: 'closed'; client: string; code: number; reason?: string }
  /** The client leaves: with a closing frame, or by dropping the connection. */
  | { ws: 'end'; client: string; abruptly?: true }

export type Step =
  | RequestStep
  | ResponseStep
  | ConnectStep
  | SubscribeStep
  | PublishStep
  | ReceiveStep
  /** Everything sent so far has been answered, and nothing came of it for this client. */
  | { mqtt: 'nothing'; client: string }
  /** The server ends the connection; MQTT 5: with this code. */
  | { mqtt: 'disconnected'; client: string; reasonCode?: number }
  /** The client leaves: with DISCONNECT, or by dropping the connection, so that its will is sent. */
  | { mqtt: 'end'; client: string; abruptly?: true }
  | WsStep
  | HandlerStep
  | { clock: 'advance'; seconds: number }
  /** Goes on once the log has a line with the text: what nobody outside is told has happened. */
  | { log: 'says'; text: string }
  /** The next calls of the operation answer this row, as `POST /fail` orders it. */
  | { fail: 'next'; operation: string; error: string; times: number }

/** One golden exchange: `fixtures/<personality>/<Operation>/<status>-<situation>.json`. */
export interface Transcript {
  title: string
  source: string
  evidence: Evidence
  /** For a failing one: key of the error row that the log must name. */
  raises?: string
  /** Name of a configuration in the adapter. */
  settings?: string
  /** Time stands still; implied by a clock step. */
  clock?: 'manual'
  /** @default strict */
  auth?: 'strict' | 'lenient'
  steps: Step[]
}

/** An HTTP request as the adapter signs it. */
export interface UnsignedRequest {
  method: string
  /** Path and query, undecoded. */
  target: string
  /** Lower-case names. */
  headers: Record<string, string>
  body: Buffer
  /** As the Host header will say it. */
  host: string
}

/** What a credential adds to a request. */
export interface HttpCredential {
  /** Instead of the request's own, where the credential is part of the query. */
  target?: string
  headers?: Record<string, string>
  /** A client certificate; the request then goes over https. */
  tls?: { cert: string; key: string }
}

/** How an MQTT client proves who it is. */
export interface MqttCredential extends IClientOptions {
  /** Where it connects, for who has no MQTT over TCP, or says in the URL who he is. */
  url?: string
}

/** What transcripts of one personality need to know of it: `emulators/<id>/transcript.ts`. */
export interface TranscriptAdapter {
  /** This personality's part of the configuration, by the name a transcript picks it with. */
  settings?: Record<string, object>
  credential?(name: string, request: UnsignedRequest, fogbank: Fogbank): Promise<HttpCredential>
  /** mqtt.js options; with `cert` and `key` the client connects over TLS. */
  mqtt?(name: string, fogbank: Fogbank): Promise<MqttCredential>
}
