import { definePersonality } from '@fogbank/personality'
import { errors, render } from './errors.ts'
import type { State } from './handlers.ts'
import { limits } from './limits.ts'
import { operations } from './operations.ts'

/** The template of a personality (style.md 4.12): one operation, one error. Not served. */
export const hello = definePersonality<State, unknown>({
  name: '_hello',
  title: 'Hello',
  portOffset: 90,
  operations,
  errors,
  limits,
  create: async ({ core }) => ({ space: await core.space('main') }),
  authenticate: () => {},
  render,
  fallbacks: {
    unknownOperation: errors.NotFound,
    methodNotAllowed: errors.NotFound,
    malformedTarget: errors.NotFound,
    internal: errors.Internal,
    unavailable: errors.Internal
  },
  describe: () => ({ credential: 'none', credentials: {}, hint: 'no credential is needed' })
})
