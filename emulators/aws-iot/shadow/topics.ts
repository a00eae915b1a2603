import { ProviderError } from '@fogbank/personality'
import type { CoreLog, Message, Origin, Space } from '@fogbank/core'
import { errors } from '../errors.ts'
import type { Rates } from '../rates.ts'
import { findClientToken, parseClientToken } from './request.ts'
import { checkShadowId } from './name.ts'
import type { Shadows, Updated } from './shadows.ts'
import type { ShadowId } from './store.ts'

/** A request that a client published to one of a shadow's topics. */
export interface ShadowRequest extends ShadowId {
  verb: 'get' | 'update' | 'delete'
}

const REQUEST = /^\$aws\/things\/([^/]+)\/shadow(?:\/name\/([^/]+))?\/(get|update|delete)$/

/** A request by MQTT is in the log as the call that it is. */
const OPERATIONS = {
  get: 'GetThingShadow',
  update: 'UpdateThingShadow',
  delete: 'DeleteThingShadow'
}

/** The service itself publishes the answers. */
const ORIGIN: Origin = { personality: 'aws-iot', clientId: '' }

/** undefined: the topic is not one that a shadow takes requests on. */
export function toShadowRequest(topic: string): ShadowRequest | undefined {
  const match = REQUEST.exec(topic)
  if (!match) return undefined
  const [, thing = '', name, verb] = match
  return { thing, verb: verb as ShadowRequest['verb'], ...(name === undefined ? {} : { name }) }
}

/** The shadows' side of MQTT. */
export interface ShadowTopics {
  /**
   * Does what a message asks for and publishes the answer; resolves when that is stored.
   * @param connectionId of the MQTT client that asks
   */
  answer(request: ShadowRequest, payload: Buffer, connectionId?: string): Promise<void>
  /** Tells what an update changed, whichever door it came by. Undefined: nobody hears it. */
  announce(id: ShadowId, updated: Updated): Promise<unknown> | undefined
  /** Tells of a deletion that came by HTTP. */
  announceDeletion(id: ShadowId, deleted: string): Promise<void>
}

export function createShadowTopics(options: {
  space: Space
  shadows: Shadows
  rates: Rates
  log: CoreLog
}): ShadowTopics {
  const { space, shadows, rates, log } = options

  /**
   * Undefined: nobody hears it.
   * @param toBody is asked where somebody does; undefined: there is nothing to tell
   */
  function publish(
    { thing, name }: ShadowId,
    suffix: string,
    toBody: () => string | undefined
  ): Promise<unknown> | undefined {
    const topic = `$aws/things/${thing}/shadow${name === undefined ? '' : `/name/${name}`}/${suffix}`
    if (!space.isHeard(topic, ORIGIN)) return undefined
    const body = toBody()
    if (body === undefined) return undefined
    const message: Message = { topic, payload: Buffer.from(body), qos: 1, retain: false }
    return space.publish(message, ORIGIN)
  }

  function announce(id: ShadowId, { accepted, delta, documents }: Updated) {
    const told = [
      publish(id, 'update/accepted', () => accepted),
      publish(id, 'update/delta', delta),
      publish(id, 'update/documents', documents)
    ]
    return told.some((one) => one !== undefined) ? Promise.all(told) : undefined
  }

  async function act({ verb, ...id }: ShadowRequest, payload: Buffer): Promise<void> {
    checkShadowId(id)
    if (verb === 'update') {
      await announce(id, await shadows.update(id, payload))
      return
    }
    // What is in a delete is not looked at; a token in it comes back.
    const clientToken = verb === 'get' ? parseClientToken(payload) : findClientToken(payload)
    const answer = await shadows[verb](id, clientToken)
    await publish(id, `${verb}/accepted`, () => answer)
  }

  return {
    announce,
    async announceDeletion(id, deleted) {
      await publish(id, 'delete/accepted', () => deleted)
    },
    async answer(request, payload, connectionId) {
      let answered = () => {}
      try {
        if (connectionId !== undefined) answered = rates.beginShadowRequest(connectionId)
        await act(request, payload)
        log.info(`aws-iot ${OPERATIONS[request.verb]} 200 ok`)
      } catch (error) {
        if (!(error instanceof ProviderError)) log.error(error, `shadow of ${request.thing}`)
        const refusal = error instanceof ProviderError ? error : errors.InternalFailure()
        log.info(`aws-iot ${OPERATIONS[request.verb]} ${refusal.row.status} ${refusal.key}`)
        const clientToken = findClientToken(payload)
        const body = { code: refusal.row.status, message: refusal.text, clientToken }
        await publish(request, `${request.verb}/rejected`, () => JSON.stringify(body))
      } finally {
        answered()
      }
    }
  }
}
