import { definePersonality } from '@fogbank/personality'
import { corsHeaders } from './cors.ts'
import { errors, render } from './errors.ts'
import { authenticate } from './handlers.ts'
import { limits } from './limits.ts'
import { mqtt } from './mqtt.ts'
import { operations } from './operations.ts'
import { settings } from './schemas.ts'
import { createState, describe, type Settings, type State } from './state.ts'

/** The HTTP interface of shiftr.io and the broker behind it. */
export const shiftr = definePersonality<State, Settings>({
  name: 'shiftr',
  title: 'shiftr.io',
  portOffset: 50,
  operations,
  errors,
  limits,
  // `authenticate` looks at path and verb first: what is not there needs no credentials.
  order: ['authenticate', 'match', 'size', 'schema'],
  settings,
  create: createState,
  authenticate,
  render,
  headers: corsHeaders,
  fallbacks: {
    unknownOperation: errors.PathUnknown,
    methodNotAllowed: errors.MethodNotAllowed,
    malformedTarget: errors.EscapeMalformed,
    internal: errors.Internal,
    unavailable: errors.Unavailable
  },
  mqtt,
  describe,
  reset: ({ realms }) => realms.forEach((realm) => realm.reset()),
  close: ({ realms }) => realms.forEach((realm) => realm.close())
})
