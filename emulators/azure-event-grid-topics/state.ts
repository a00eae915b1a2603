import type { PersonalityContext, PersonalityDescription } from '@fogbank/personality'
import { EVENTS_PATH } from './addressing.ts'
import { createSenders } from './auth.ts'
import { createDelivery } from './delivery/index.ts'
import type { State } from './handlers.ts'
import { chooseSizeLimits } from './limits.ts'
import { createMetrics } from './metrics.ts'
import { createResources, DEFAULT_TOPIC } from './resources.ts'
import type { Settings } from './settings.ts'
import { registerSinks } from './sinks.ts'

const NO_KEYS = { key1: '', key2: '' }

/** What the handlers work on. @throws SettingsError */
export async function createState(
  context: PersonalityContext<Settings | undefined>
): Promise<State> {
  const { core, clock, ids, log, auth, tokens, settings = {} } = context
  const lenient = auth === 'lenient'
  const resources = createResources(settings)
  const delivery = await createDelivery({
    core,
    clock,
    ids,
    log,
    resources,
    settings: settings.delivery
  })
  const endSinks = registerSinks(core.sinks, { resources, delivery, clock, ids })
  return {
    clock,
    ids,
    log,
    tokens,
    lenient,
    resources,
    senders: createSenders(settings.roleAssignments, lenient),
    sizes: chooseSizeLimits(settings),
    rules: { acceptsSingleEvent: settings.singleEvent === 'accepted' },
    delivery,
    metrics: createMetrics(),
    location: settings.location ?? 'local',
    url: '',
    async close() {
      endSinks()
      await delivery.close()
    }
  }
}

/** What a user needs to get in: the way to the default topic, or to the first there is. */
export function describe({ resources }: State): PersonalityDescription {
  const first = resources.byName(DEFAULT_TOPIC) ?? resources.all[0]
  const keys = first?.keys ?? NO_KEYS
  const path = !first || first.name === DEFAULT_TOPIC ? EVENTS_PATH : `/${first.name}${EVENTS_PATH}`
  return {
    credential: `topic key ${keys.key1}`,
    credentials: { ...keys },
    hint: `send aeg-sas-key: ${keys.key1}, a SAS token made with it, or a token of the local authority for https://eventgrid.azure.net whose principal holds EventGrid Data Sender; or start with --auth lenient`,
    ports: resources.all.flatMap(({ kind, name, port }) =>
      port === undefined ? [] : [{ port, setting: `${kind} (${name}).port` }]
    ),
    endpoints: { endpoint: `{http}${path}` }
  }
}
