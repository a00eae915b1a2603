import type { UserProperty } from '../message.ts'
import type { Subscription } from './entry.ts'
import type { MqttPolicy, ProtocolVersion, SubscriptionRequest } from './policy.ts'

/** The other end of a connection and how it got here. */
export interface Peer {
  address: string
  port: number
  /** Our own end; absent: unknown. */
  localAddress?: string
  localPort?: number
  transport: 'tcp' | 'tls' | 'ws' | 'wss'
  /** The Host header of a WebSocket upgrade, or the TLS server name; absent: unknown. */
  host?: string
  /**
   * The client certificate in DER form and whether our CA signed it; absent: none was shown. `chain` are
   * the intermediates that came with it, if any did, the certificate's own issuer first.
   */
  certificate?: { der: Buffer; trusted: boolean; chain?: readonly Buffer[] }
  /** Whoever the HTTP side of a WebSocket upgrade found the caller to be. */
  principal?: unknown
  /** Raw request target of the WebSocket upgrade. */
  url?: string
  /** Whether the other end has sent a WebSocket's closing frame. Absent: it is no WebSocket. */
  saidClose?(): boolean
}

/** One connected MQTT client. */
export interface Session<Identity = unknown> {
  readonly policy: MqttPolicy<Identity>
  readonly identity: Identity
  /** The client's own id, without the personality's prefix; an assigned one when it gave none. */
  readonly clientId: string
  /** Differs for every connection; safe to show. */
  readonly connectionId: string
  readonly version: ProtocolVersion
  readonly peer: Peer
  readonly space: string
  readonly connectedAtMs: number
  /** Effective, after the policy's range. 0: none. */
  readonly keepAliveSeconds: number
  readonly sessionExpirySeconds: number
  readonly cleanStart: boolean
  /** As the client wrote them. */
  readonly subscriptions: ReadonlyMap<string, Subscription>
  /** Ends the connection: MQTT 5 clients get a DISCONNECT with the code, others a closed socket. */
  disconnect(reasonCode: number, rule: string): void
}

/** What happened to a client, in the order it happened. */
export type SessionEvent =
  | { type: 'connected'; session: Session }
  | { type: 'disconnected'; session: Session; cause: DisconnectCause }
  | { type: 'subscribed'; session: Session; subscriptions: SubscriptionRequest[] }
  | { type: 'unsubscribed'; session: Session; filters: string[] }
  | {
      type: 'refused'
      session: Session
      packet: 'publish' | 'subscribe'
      topic: string
      rule: string
    }

/** How a connection came to its end. */
export type DisconnectCause =
  /** MQTT 5's reason code of the DISCONNECT; 0 for older clients. */
  | { by: 'client'; reasonCode: number; userProperties?: readonly UserProperty[] }
  | { by: 'server'; reasonCode: number; rule: string }
  | { by: 'takeover' }
  | { by: 'keep-alive' }
  | { by: 'connection-lost' }
