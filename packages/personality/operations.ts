import type { Call, Reply } from './call.ts'
import type { AnyErrorMaker, ProviderError } from './errors.ts'
import type { Limit } from './limits.ts'
import type { JsonSchema, ValidationFault } from './validate.ts'

/** One vendor operation; the key in the table is the vendor's own name. */
export interface Operation<State = any> {
  method: string
  /** The vendor's path template: `/topics/{topic+}` (see compilePath). */
  path: string
  /** A WebSocket upgrade rather than a request. */
  upgrade?: boolean
  /** Schema of the decoded query, an object of strings. */
  query?: JsonSchema
  /** Schema of a JSON body; without it the handler gets bytes. */
  body?: JsonSchema
  /** true: no body at all passes, whatever the schema. @default false */
  emptyBody?: boolean
  /** What the size stage allows; absent: the body is not read. */
  bodyLimit?: Limit
  /** The error for a query or body that its schema refuses. */
  invalid?(fault: ValidationFault, call: Call<State>): ProviderError
  /** The store failed or did not answer in time. @default the personality's fallback */
  unavailable?: AnyErrorMaker
  /** Keys of the error rows this operation can answer with; the coverage test asks a transcript for each. */
  raises: readonly string[]
  handle(call: Call<State, any>): Reply | Promise<Reply>
  source: string
}

export type Operations<State = any> = Record<string, Operation<State>>

/** The operations of a personality, by the vendor's names. */
export function defineOperations<State>() {
  return <const Table extends Operations<State>>(table: Table): Table => table
}
