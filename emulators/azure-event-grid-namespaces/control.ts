import { Hono, type Context } from 'hono'
import { compileSchema, SettingsError, type JsonSchema } from '@fogbank/personality'
import { COLLECTIONS, type Change, type Collection } from './changes.ts'
import { showSession, showSubscription, showTopic } from './control-view.ts'
import type { Namespace } from './namespace.ts'
import { PERSONALITY } from './name.ts'
import { toRoleAssignment } from './role-assignments.ts'
import { namespaceProperties } from './schemas.ts'
import type { State } from './state.ts'
import { eventSubscription as eventSubscriptionSchema } from './topics/schemas.ts'
import type { EventSubscriptionSettings, TopicSettings } from './topics/settings.ts'

/** What stays as the configuration has it: messages live there. */
const FIXED_PROPERTIES = ['space']
/** MQTT 5 "Administrative action". */
const ADMINISTRATIVE_ACTION = 0x98
const DISCONNECTED = {
  reasonCode: ADMINISTRATIVE_ACTION,
  rule: 'ServerInitiatedDisconnect'
}

/**
 * The namespaces' state, read and changed while it runs; resources have the shape of the configuration.
 *
 * A change takes effect before its answer, on live sessions too, and survives a restart. Nothing has
 * changed when the answer is 400.
 */
export function createControl(state: State): Hono {
  const app = new Hono()
  const checks = new Map<string, ReturnType<typeof compileSchema>>()

  function check(key: string, schema: JsonSchema, value: unknown): void {
    let validate = checks.get(key)
    if (!validate) checks.set(key, (validate = compileSchema(schema)))
    const fault = validate(value)
    if (!fault) return
    const place = `${key}${fault.path}${fault.property ? `/${fault.property}` : ''}`
    throw new SettingsError(`${place}: ${fault.sentence}`)
  }

  app.get('/namespaces', (c) => c.json({ value: [...state.namespaces.values()].map(describe) }))
  app.get('/namespaces/:namespace', (c) => {
    const namespace = find(c)
    return namespace ? c.json(describe(namespace)) : missing(c)
  })
  app.get('/namespaces/:namespace/lifecycleEvents', (c) => {
    const namespace = find(c)
    return namespace ? c.json({ value: namespace.lifecycle.list() }) : missing(c)
  })
  app.get('/namespaces/:namespace/sessions', (c) => {
    const namespace = find(c)
    if (!namespace) return missing(c)
    const sessions = namespace.space.clients.list(PERSONALITY)
    return c.json({ value: sessions.map(showSession) })
  })
  app.post('/namespaces/:namespace/sessions/:name/disconnect', async (c) => {
    const clients = find(c)?.space.clients
    const isThere = await clients?.disconnect(PERSONALITY, c.req.param('name'), DISCONNECTED)
    return isThere ? c.body(null, 204) : missing(c)
  })
  app.patch('/namespaces/:namespace', async (c) => {
    const namespace = find(c)
    if (!namespace) return missing(c)
    const properties = await readBody(c)
    const changes = Object.entries(properties).map(([property, value]): Change => {
      const schema = (namespaceProperties as Record<string, JsonSchema>)[property]
      if (!schema || FIXED_PROPERTIES.includes(property) || isCollection(property)) {
        throw new SettingsError(`${property}: is no property that can be changed here`)
      }
      check(property, schema, value)
      return { property, value }
    })
    await state.change(namespace, changes)
    return c.json(describe(namespace))
  })

  for (const collection of COLLECTIONS) {
    const path = `/namespaces/:namespace/${collection}`
    const { items } = (namespaceProperties as Record<string, JsonSchema>)[collection] as {
      items: JsonSchema
    }
    const list = ({ current: { settings } }: Namespace): readonly { name?: string }[] =>
      collection === 'topics' ? settings.topics.map(showTopic) : settings[collection]
    app.get(path, (c) => {
      const namespace = find(c)
      return namespace ? c.json({ value: list(namespace) }) : missing(c)
    })
    app.get(`${path}/:name`, (c) => {
      const namespace = find(c)
      const found = namespace && list(namespace).find(({ name }) => name === c.req.param('name'))
      return found ? c.json(found) : missing(c)
    })
    app.put(`${path}/:name`, async (c) => {
      const namespace = find(c)
      if (!namespace) return missing(c)
      const resource = await readResource(c, c.req.param('name'))
      check(collection, items, resource)
      const { name } = resource
      const own =
        collection === 'roleAssignments' ? toRoleAssignment(namespace.name, resource) : resource
      await state.change(namespace, [{ collection, name, resource: own }])
      return c.json(list(namespace).find((one) => one.name === name))
    })
    app.delete(`${path}/:name`, async (c) => {
      const namespace = find(c)
      const name = c.req.param('name')
      if (!namespace || !list(namespace).some((one) => one.name === name)) return missing(c)
      await state.change(namespace, [{ collection, name, resource: undefined }])
      return c.body(null, 204)
    })
  }

  const SUBSCRIPTION = '/namespaces/:namespace/topics/:topic/eventSubscriptions/:name'
  app.put(SUBSCRIPTION, async (c) => {
    const { namespace, topic } = findTopic(c)
    if (!topic) return missing(c)
    const resource = await readResource(c, c.req.param('name'))
    check('eventSubscriptions', eventSubscriptionSchema, resource)
    await changeSubscriptions(namespace, topic, (others) => [
      ...others.filter(({ name }) => name !== resource.name),
      resource as EventSubscriptionSettings
    ])
    const shown = showSubscription(resource as EventSubscriptionSettings)
    return c.json({ ...shown, ...stateOf(namespace, topic, resource.name) })
  })
  app.get(SUBSCRIPTION, (c) => {
    const { namespace, topic } = findTopic(c)
    const found = topic?.eventSubscriptions?.find(({ name }) => name === c.req.param('name'))
    if (!topic || !found) return missing(c)
    return c.json({ ...showSubscription(found), ...stateOf(namespace, topic, found.name) })
  })
  app.delete(SUBSCRIPTION, async (c) => {
    const { namespace, topic } = findTopic(c)
    const { eventSubscriptions = [] } = topic ?? {}
    const gone = eventSubscriptions.find(({ name }) => name === c.req.param('name'))
    if (!topic || !gone) return missing(c)
    await changeSubscriptions(namespace, topic, (all) => all.filter((one) => one !== gone))
    return c.body(null, 204)
  })
  app.get(`${SUBSCRIPTION}/deadLetters`, async (c) => {
    const { namespace, topic } = findTopic(c)
    const name = c.req.param('name')
    if (!topic?.eventSubscriptions?.some((one) => one.name === name)) return missing(c)
    return c.json({
      value: await state.deadLetters.list(`${namespace.name}/${topic.name}/${name}`)
    })
  })

  /** Of a push subscription: whether its receiver has agreed. */
  function stateOf(namespace: Namespace, { name: topic }: TopicSettings, name: string): object {
    const push = namespace.topics.get(topic)?.subscriptions.get(name)?.push
    return push ? { provisioningState: push.state } : {}
  }

  async function changeSubscriptions(
    namespace: Namespace,
    topic: TopicSettings,
    change: (subscriptions: EventSubscriptionSettings[]) => EventSubscriptionSettings[]
  ): Promise<void> {
    const eventSubscriptions = change(topic.eventSubscriptions ?? [])
    const resource = { ...topic, eventSubscriptions }
    await state.change(namespace, [{ collection: 'topics', name: topic.name, resource }])
  }

  function find(c: Context<any, any>): Namespace | undefined {
    return state.namespaces.get(c.req.param('namespace') ?? '')
  }

  function findTopic(c: Context<any, any>): { namespace: Namespace; topic?: TopicSettings } {
    const namespace = find(c)!
    const topic = namespace?.current.settings.topics.find(
      ({ name }) => name === c.req.param('topic')
    )
    return topic ? { namespace, topic } : { namespace }
  }

  return app
}

function describe({ name, current: { settings } }: Namespace): object {
  return { name, ...settings, topics: settings.topics.map(showTopic) }
}

function isCollection(property: string): property is Collection {
  return (COLLECTIONS as readonly string[]).includes(property)
}

function missing(c: Context): Response {
  return c.json({ error: `${c.req.path.replace(`/${PERSONALITY}`, '')} does not exist` }, 404)
}

async function readBody(c: Context): Promise<Record<string, unknown>> {
  const body: unknown = await c.req.json().catch((cause: Error) => {
    throw new SettingsError(`the body is not JSON: ${cause.message}`, { cause })
  })
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
    return body as Record<string, unknown>
  }
  throw new SettingsError('the body is no JSON object')
}

/** A resource with the name of its path. */
async function readResource(c: Context, name: string): Promise<{ name: string }> {
  const body = await readBody(c)
  if (body.name !== undefined && body.name !== name) {
    throw new SettingsError(`name: the path says ${name}, the body ${JSON.stringify(body.name)}`)
  }
  return { ...body, name }
}
