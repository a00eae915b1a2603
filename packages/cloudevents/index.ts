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
