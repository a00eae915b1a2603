import { Hono } from 'hono'
import { createSubscriptionControl } from './delivery/control.ts'
import type { State } from './handlers.ts'
import { createManagement } from './management.ts'

/** This personality's part of the control port, in the shapes of the management API. */
export function createControl(state: State, base: string): Hono {
  return new Hono()
    .route('/', createManagement(state, base))
    .route('/', createSubscriptionControl(state.delivery, state.resources, base))
}
