import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { definePersonality } from '@fogbank/personality'
import { createAccess } from './access.ts'
import { authenticate, createAudiences } from './auth.ts'
import { createClients } from './clients.ts'
import { errors, render } from './errors.ts'
import { endExpiredSessions } from './expiry.ts'
import { PERSONALITY, type State } from './handlers.ts'
import { limits } from './limits.ts'
import { mqtt } from './mqtt.ts'
import { operations } from './operations.ts'
import { settings } from './schemas.ts'
import type { Settings } from './settings.ts'

/** An Event Grid namespace: HTTP Publish and the Retain API of its MQTT host, and the broker itself. */
export const azureEventGridNamespaces = definePersonality<State, Settings>({
  name: PERSONALITY,
  title: 'Azure Event Grid namespace',
  portOffset: 20,
  operations,
  errors,
  limits,
  lowerCaseQueryNames: true,
  settings,
  async create({ core, clock, auth, tokens, settings }) {
    const space = await core.space(settings.space ?? 'main')
    const { httpPublishSuccess = 'auto', topicSpacesConfiguration = {} } = settings
    const automatic = topicSpacesConfiguration.routeTopicResourceId === undefined ? 204 : 202
    return {
      space,
      clock,
      tokens,
      access: createAccess(settings, auth === 'lenient'),
      clients: createClients(settings.clients, auth === 'lenient'),
      acceptedStatus: httpPublishSuccess === 'auto' ? automatic : httpPublishSuccess,
      audiences: createAudiences(topicSpacesConfiguration.hostname),
      keys: settings.keys ?? [DEVELOPMENT_KEYS.namespaceKey],
      rawUserProperties: settings.rawUserProperties ?? false,
      sessionExpiryMaximumSeconds:
        (topicSpacesConfiguration.maximumSessionExpiryInHours ?? 1) * 3600,
      close: endExpiredSessions(space, clock)
    }
  },
  authenticate,
  render,
  fallbacks: {
    unknownOperation: errors.NotFound,
    methodNotAllowed: errors.MethodNotAllowed,
    malformedTarget: errors.RequestMalformed,
    internal: errors.InternalError,
    unavailable: errors.ServiceUnavailable
  },
  mqtt,
  describe: ({ keys: [key = ''] }) => ({
    credential: `a token of the authority; namespace key ${key}`,
    credentials: { key },
    hint: 'send a token of the local authority for https://eventgrid.azure.net whose principal holds an EventGrid TopicSpaces role (the well-known client holds all), or start with --auth lenient',
    webSocketPath: '/mqtt',
    endpoints: { topic: 'default', subscription: 'default' }
  }),
  close: (state) => state.close()
})
