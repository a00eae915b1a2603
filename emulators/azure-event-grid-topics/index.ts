import { definePersonality } from '@fogbank/personality'
import { toPath } from './addressing.ts'
import { authenticate } from './auth.ts'
import { createControl } from './control.ts'
import { errors } from './errors.ts'
import { PERSONALITY, type State } from './handlers.ts'
import { limits } from './limits.ts'
import { operations } from './operations.ts'
import { COMMON_HEADERS, render } from './render.ts'
import { settings } from './schemas.ts'
import type { Settings } from './settings.ts'
import { createState, describe } from './state.ts'

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
  create: createState,
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
  describe,
  control: (state) => createControl(state, `/${PERSONALITY}`),
  started(state, http) {
    state.url = http
    state.delivery.started(http)
  },
  async reset({ metrics, delivery }) {
    metrics.clear()
    await delivery.reset()
  },
  close: (state) => state.close()
})
