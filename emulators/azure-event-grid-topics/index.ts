import { definePersonality } from '@fogbank/personality'
import { toPath } from './addressing.ts'
import { authenticate, createSenders } from './auth.ts'
import { createSubscriptionControl } from './delivery/control.ts'
import { createDelivery } from './delivery/index.ts'
import { errors } from './errors.ts'
import { PERSONALITY, type State } from './handlers.ts'
import { chooseSizeLimits, limits } from './limits.ts'
import { createMetrics } from './metrics.ts'
import { operations } from './operations.ts'
import { COMMON_HEADERS, render } from './render.ts'
import { createResources, DEFAULT_TOPIC } from './resources.ts'
import { settings } from './schemas.ts'
import type { Settings } from './settings.ts'

/** Event Grid custom topics, domains and partner namespaces: publishing, subscriptions and delivery. */
export const azureEventGridTopics = definePersonality<State, Settings | undefined>({
  name: PERSONALITY,
  title: 'Azure Event Grid custom topics and domains',
  portOffset: 30,
  operations,
  errors,
  limits,
  lowerCaseQueryNames: true,
  settings,
  async create({ core, clock, ids, log, auth, tokens, settings = {} }) {
    const lenient = auth === 'lenient'
    const resources = createResources(settings)
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
      delivery: await createDelivery({
        core,
        clock,
        ids,
        log,
        resources,
        settings: settings.delivery
      }),
      metrics: createMetrics()
    }
  },
  toPath: (request, { resources }) => toPath(request, resources),
  authenticate,
  render,
  headers: ({ requestId }) => ({ ...COMMON_HEADERS, 'x-ms-request-id': requestId }),
  fallbacks: {
    unknownOperation: errors.NotFound,
    methodNotAllowed: errors.MethodNotAllowed,
    malformedTarget: errors.TargetMalformed,
    internal: errors.InternalServerError,
    unavailable: errors.ServiceUnavailable
  },
  describe: ({ resources }) => {
    const { keys } = resources.byName(DEFAULT_TOPIC) ?? resources.all[0] ?? { keys: NO_KEYS }
    return {
      credential: `topic key ${keys.key1}`,
      credentials: { ...keys },
      hint: `send aeg-sas-key: ${keys.key1}, a SAS token made with it, or a token of the local authority for https://eventgrid.azure.net whose principal holds EventGrid Data Sender; or start with --auth lenient`,
      ports: resources.all.flatMap(({ kind, name, port }) =>
        port === undefined ? [] : [{ port, setting: `${kind} (${name}).port` }]
      ),
      endpoints: { endpoint: '{http}/api/events' }
    }
  },
  control: ({ delivery, resources }) =>
    createSubscriptionControl(delivery, resources, `/${PERSONALITY}`),
  started: ({ delivery }, http) => delivery.started(http),
  async reset({ metrics, delivery }) {
    metrics.clear()
    await delivery.reset()
  },
  close: ({ delivery }) => delivery.close()
})

const NO_KEYS = { key1: '', key2: '' }
