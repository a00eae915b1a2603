export { compileAddressRanges } from './address-ranges.ts'
export { createApp, createNodeHandler, fromIncoming, type NodeHandler } from './app.ts'
export type {
  Call,
  ClientSocket,
  ClientSocketListener,
  RawRequest,
  Reply,
  WebSocketTaker
} from './call.ts'
export {
  SettingsError,
  type AuthMode,
  type Log,
  type PersonalityContext,
  type TokenFault,
  type TokenVerifier,
  type VerifiedToken
} from './context.ts'
export {
  defineErrors,
  ProviderError,
  type AnyErrorMaker,
  type ErrorMaker,
  type ErrorRow,
  type Errors,
  type Evidence,
  type Sourced
} from './errors.ts'
export { type Faults } from './faults.ts'
export {
  createHttpOut,
  type HttpAnswer,
  type HttpFailure,
  type HttpOut,
  type OutgoingRequest
} from './http-out.ts'
export { limitBody } from './limit-body.ts'
export { defineLimits, type Limit, type LimitRow, type Limits } from './limits.ts'
export { defineOperations, type Operation, type Operations } from './operations.ts'
export { compilePath, parseQuery, rawPath, rawQuery } from './path.ts'
export {
  definePersonality,
  type PersonalityDefinition,
  type PersonalityDescription,
  type Stage
} from './personality.ts'
export { createPipeline, readBody, type Pipeline } from './pipeline.ts'
export { refusedBy, toRefusal } from './refusal.ts'
export { isSameSecret } from './secret.ts'
export { startPersonality, type RunningPersonality } from './start.ts'
export { compileSchema, type JsonSchema, type ValidationFault, type Validator } from './validate.ts'
