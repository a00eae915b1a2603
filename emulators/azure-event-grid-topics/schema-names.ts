import type { InputSchema } from './settings.ts'

/** What the service calls its input schemas in refusals and headers; the custom one was never seen. */
export const SCHEMA_NAMES: Record<InputSchema, string> = {
  EventGridSchema: 'EventGridEvent',
  CloudEventSchemaV1_0: 'CloudEventV10',
  CustomEventSchema: 'CustomEventSchema'
}
