import { ProviderError, type Call, type Reply } from '@fogbank/personality'
import { identifyClient, type ClientPrincipal } from '../client-auth.ts'
import { errors } from '../errors.ts'
import { valuesOf } from '../query.ts'
import type { State } from '../state.ts'
import { readVerdict, toConnectEvent, type ConnectBody, type Verdict } from '../upstream/connect.ts'
import { createEventSource, toOrigin, type EventSource } from '../upstream/source.ts'
import { toConnectBody } from '../upstream/connect-body.ts'
import { clientErrors } from './errors.ts'
import { readSimpleMode } from './simple.ts'

type ClientCall = Call<State>

/** @throws ProviderError UpgradeExpected where a client could come in, else NotFound */
export function requestClient({ params }: ClientCall): never {
  if (/^(\/?|\/hubs\/[^/]+)$/.test(params.rest ?? '')) throw errors.UpgradeExpected()
  throw errors.NotFound()
}

/** The hub is in the query. @throws ProviderError */
export function connectClientByQuery(call: ClientCall): Promise<Reply> {
  const { rest = '' } = call.params
  if (rest !== '' && rest !== '/') throw errors.NotFound()
  return connectClient(call)
}

/** A WebSocket client comes, or comes back. @throws ProviderError */
export async function connectClient(call: ClientCall): Promise<Reply> {
  const hub = call.params.hub ?? valuesOf(call.rawQuery, 'hub')[0]
  const offered = readSubprotocols(call.header('sec-websocket-protocol'))
  const [connectionId = ''] = valuesOf(call.rawQuery, 'awps_connection_id')
  if (connectionId !== '') return recover(call, hub ?? '', connectionId, offered)
  const principal = await identifyClient(call, hub, (name) => `/client/hubs/${name}`)
  const mode = readSimpleMode(call.rawQuery)
  return admit(call, principal, offered, mode)
}

async function admit(
  { state, request, header, rawQuery }: ClientCall,
  principal: ClientPrincipal,
  offered: readonly string[],
  mode: ReturnType<typeof readSimpleMode>
): Promise<Reply> {
  const { clients, hubs, ids, log, upstream } = state
  const connectionId = ids.uuid().replaceAll('-', '')
  const source = createEventSource({
    hub: principal.hub,
    connectionId,
    userId: principal.userId,
    origin: toOrigin(header('host'))
  })
  const body = toConnectBody(principal.claims, rawQuery, request, offered)
  const verdict = await decide(state, source, body)
  const subprotocol = verdict.subprotocol ?? clients.subprotocols.choose(offered)
  const userId = verdict.userId ?? principal.userId
  source.userId = userId
  if (subprotocol !== undefined) source.subprotocol = subprotocol
  const { connection, begin } = await clients.create({
    hub: await hubs.get(principal.hub),
    connectionId,
    userId,
    roles: verdict.roles ?? principal.roles,
    groups: verdict.groups ?? principal.groups,
    subprotocol,
    mode,
    source
  })
  return {
    status: 101,
    upgrade: {
      webSocket: {
        ...(subprotocol === undefined ? {} : { subprotocol }),
        opened(socket) {
          if (!socket) return upstream.notify(source, 'disconnected', { reason: '' })
          connection.attach(socket)
          begin().catch((error: unknown) => {
            log.error(error, `azure-web-pubsub ${connectionId} could not begin`)
            connection.drop()
          })
        }
      }
    }
  }
}

/** @throws ProviderError ConnectRejected with the handler's status, ConnectFailed */
async function decide(
  { upstream, log }: State,
  source: EventSource,
  body: ConnectBody
): Promise<Verdict> {
  const result = readVerdict(await upstream.send(source, toConnectEvent(body)))
  if ('verdict' in result) return result.verdict
  if ('fault' in result) {
    log.warn(`azure-web-pubsub ${source.connectionId} connect failed: ${result.fault}`)
    throw clientErrors.ConnectFailed({}, { detail: result.fault })
  }
  const { key, row, text } = clientErrors.ConnectRejected()
  const { status } = result.refusal
  throw new ProviderError(key, { ...row, status }, text, { detail: `status=${status}` })
}

/** What cannot be recovered is let in all the same, to be told that by a closing frame. */
async function recover(
  { state, rawQuery }: ClientCall,
  hub: string,
  connectionId: string,
  offered: readonly string[]
): Promise<Reply> {
  const { clients, log } = state
  const [token = ''] = valuesOf(rawQuery, 'awps_reconnection_token')
  const connection = await clients.recover(hub.toLowerCase(), connectionId, token)
  const subprotocol = connection?.protocol ?? clients.subprotocols.choose(offered)
  return {
    status: 101,
    upgrade: {
      webSocket: {
        ...(subprotocol === undefined ? {} : { subprotocol }),
        opened(socket) {
          if (!socket || connection?.attach(socket)) return
          const { key, row, text } = clientErrors.RecoveryRefused()
          log.info(`azure-web-pubsub ${connectionId.slice(0, 80)} closed ${row.close} ${key}`)
          socket.close(row.close!, text!)
        }
      }
    }
  }
}

const readSubprotocols = (header = ''): string[] =>
  header
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
