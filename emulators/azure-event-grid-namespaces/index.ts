import { definePersonality } from '@fogbank/personality'
import { authenticate } from './auth.ts'
import { createControl } from './control.ts'
import { errors, render } from './errors.ts'
import { limits } from './limits.ts'
import { mqtt } from './mqtt.ts'
import { PERSONALITY } from './name.ts'
import { operations } from './operations.ts'
import { settings } from './schemas.ts'
import type { Settings } from './settings.ts'
import { createState, type State } from './state.ts'

/** Event Grid namespaces: the MQTT broker, HTTP Publish and the Retain API, topics with pull delivery. */
export const azureEventGridNamespaces = definePersonality<State, Settings>({
  name: PERSONALITY,
  title: 'Azure Event Grid namespace',
  portOffset: 20,
  operations,
  errors,
  limits,
  lowerCaseQueryNames: true,
  settings,
  create: createState,
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
  describe: (state) => {
    const [key = ''] = state.find('', undefined)?.current.keys ?? []
    return {
      credential: `a token of the authority; namespace key ${key}`,
      credentials: { key },
      hint: `send a token of the local authority for https://eventgrid.azure.net whose principal holds the EventGrid role (the well-known client holds all), to a topic also SharedAccessKey ${key}, or start with --auth lenient`,
      webSocketPath: '/mqtt',
      endpoints: { topic: 'default', subscription: 'default' }
    }
  },
  control: createControl,
  started: (state, http) => state.started(http),
  reset: (state) => state.reset(),
  drain: (state) => state.drain(),
  close: (state) => state.close()
})
