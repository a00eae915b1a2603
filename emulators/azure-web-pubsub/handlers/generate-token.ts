import type { Call, Reply } from '@fogbank/personality'
import type { Principal } from '../auth.ts'
import { errors } from '../errors.ts'
import { limits } from '../limits.ts'
import { isGroupName } from '../names.ts'
import { readInteger, valuesOf } from '../query.ts'
import type { State } from '../state.ts'

const DEFAULT_MINUTES = 60

/** The endpoint that each type of client connects to. */
const PATHS: Record<string, string> = { default: '/client/hubs/', mqtt: '/clients/mqtt/hubs/' }

/** Signs a client token with the primary access key. */
export async function generateClientToken(call: Call<State, Principal>): Promise<Reply> {
  const { state, params, rawQuery, principal } = call
  if (principal === 'access-key' && state.settings.generateClientTokenNeedsEntra) {
    throw errors.CallerNotEntra()
  }
  const minutes =
    readInteger(rawQuery, 'minutesToExpire', { limit: limits.minutesToExpire, from: 1 }) ??
    DEFAULT_MINUTES
  const type = valuesOf(rawQuery, 'clientType').at(-1)?.toLowerCase() ?? 'default'
  if (!Object.hasOwn(PATHS, type)) throw errors.ClientTypeInvalid()
  const groups = valuesOf(rawQuery, 'group')
  if (!groups.every(isGroupName)) throw errors.GroupNameInvalid()
  const roles = valuesOf(rawQuery, 'role')
  const userId = valuesOf(rawQuery, 'userId').at(-1)
  const nowSeconds = Math.floor(state.clock.now() / 1000)
  const scheme = call.request.peer.transport === 'tls' ? 'https' : 'http'
  const token = await state.keyTokens.sign({
    ...(userId ? { sub: userId } : {}),
    ...(roles.length > 0 ? { role: oneOrMany(roles) } : {}),
    ...(groups.length > 0 ? { 'webpubsub.group': oneOrMany(groups) } : {}),
    nbf: nowSeconds,
    iat: nowSeconds,
    exp: nowSeconds + minutes * 60,
    aud: `${scheme}://${call.header('host') ?? ''}${PATHS[type]}${params.hub}`
  })
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ token })
  }
}

const oneOrMany = (values: string[]) => (values.length === 1 ? values[0] : values)
