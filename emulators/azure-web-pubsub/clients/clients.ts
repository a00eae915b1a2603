import type { Clock } from '@fogbank/core'
import type { Log } from '@fogbank/personality'
import type { Hub } from '../hub.ts'
import type { KeyTokens } from '../tokens.ts'
import type { Upstream } from '../upstream/events.ts'
import type { EventSource } from '../upstream/source.ts'
import { createPermissions } from '../permissions.ts'
import { createSubprotocols, type Subprotocols } from './codecs.ts'
import { createClientConnection, type ClientConnection } from './connection.ts'
import { createRaiseEvent } from './events.ts'
import { RECONNECTION_TOKEN_SECONDS } from './limits.ts'
import { handlePubSub } from './pubsub.ts'
import { handleSimple, simpleWriter, type SimpleMode } from './simple.ts'

/** Who made a reconnection token. */
const ISSUER = 'https://webpubsub.azure.com'

/** A client that was let in; what is left is to give it its socket. */
export interface Admission {
  hub: Hub
  connectionId: string
  userId: string | null
  roles: readonly string[]
  groups: readonly string[]
  /** Undefined: a simple client. */
  subprotocol: string | undefined
  /** Of a simple client. */
  mode: SimpleMode
  source: EventSource
}

/** The WebSocket clients of all hubs. */
export interface Clients {
  readonly subprotocols: Subprotocols
  /** Makes the connection of a client that was let in; its hub knows it once it has a socket. */
  create(admission: Admission): Promise<{ connection: ClientConnection; begin(): Promise<void> }>
  /** The reliable connection that a token is for, while it lasts. */
  recover(hub: string, connectionId: string, token: string): Promise<ClientConnection | undefined>
  /** Ends all of them. */
  drop(): void
}

export function createClients(deps: {
  clock: Clock
  log: Log
  keyTokens: KeyTokens
  upstream: Upstream
}): Clients {
  const { clock, log, keyTokens, upstream } = deps
  const subprotocols = createSubprotocols()
  const living = new Map<string, ClientConnection>()

  async function issueToken(connectionId: string): Promise<string> {
    const exp = Math.floor(clock.now() / 1000) + RECONNECTION_TOKEN_SECONDS
    return keyTokens.sign({ aud: connectionId, iss: ISSUER, exp })
  }

  return {
    subprotocols,
    async create({ hub, connectionId, userId, roles, groups, subprotocol, mode, source }) {
      const own = subprotocol === undefined ? undefined : subprotocols.get(subprotocol)
      const codec = await own?.load()
      const isReliable = own?.isReliable ?? false
      const token = isReliable ? await issueToken(connectionId) : undefined
      const key = `${hub.name} ${connectionId}`
      const connection = createClientConnection({
        connectionId,
        userId,
        protocol: subprotocol ?? '',
        permissions: createPermissions(roles),
        isReliable,
        writer: codec ?? simpleWriter,
        clock,
        log,
        ended(reason) {
          living.delete(key)
          hub.remove(connection)
          upstream.notify(source, 'disconnected', { reason })
        }
      })
      const raise = createRaiseEvent(upstream, source)
      const handle = codec
        ? handlePubSub({ connection, hub, codec, raise, log })
        : handleSimple({ connection, hub, mode, raise, log })
      return {
        connection,
        async begin() {
          living.set(key, connection)
          upstream.notify(source, 'connected', {})
          if (codec) connection.write(codec.connected(connectionId, userId, token))
          await hub.add(connection, groups)
          connection.start(handle)
        }
      }
    },
    async recover(hub, connectionId, token) {
      const connection = living.get(`${hub} ${connectionId}`)
      if (!connection?.isReliable) return undefined
      const verified = await keyTokens.verify(token)
      if ('fault' in verified || verified.claims.aud !== connectionId) return undefined
      return connection
    },
    drop() {
      for (const connection of [...living.values()]) connection.drop()
    }
  }
}
