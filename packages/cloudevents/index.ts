export {
  compileFilters,
  FILTER_OPERATORS,
  findFilterFault,
  lookUp,
  MAXIMUM_FILTER_TEXT,
  MAXIMUM_FILTER_VALUES,
  MAXIMUM_FILTERS,
  type AdvancedFilter,
  type EventTest,
  type FilterFault
} from './filters.ts'
export {
  BATCH_MEDIA_TYPE,
  contentModeOf,
  hasBinaryHeaders,
  mediaTypeOf,
  readBinaryAttributes,
  REQUIRED_ATTRIBUTES,
  STRUCTURED_MEDIA_TYPE,
  type ContentMode,
  type HeaderSource
} from './http.ts'
export { cloudEventSchema } from './schema.ts'
export {
  judgeWebhookAnswer,
  toWebhookValidation,
  type WebhookAnswer,
  type WebhookValidation,
  type WebhookVerdict
} from './webhook.ts'
