/** How sure a row is: the vendor's page says it; seen from the real service; our best guess. */
export type Evidence = 'documented' | 'recorded' | 'assumed'

/** Where a fact came from. */
export interface Sourced {
  source: string
  evidence: Evidence
}

/** The same failure on the MQTT wire. A code left out means the situation cannot occur there. */
export interface MqttCodes {
  /** MQTT 5 reason code, used in whichever packet answers. */
  reasonCode: number
  /** MQTT 3.1.1 CONNACK return code. */
  returnCode?: number
}

/** One situation a client can be refused in. `{name}` in the message is filled in where it is thrown. */
export interface ErrorRow extends Sourced {
  /** HTTP status. */
  status: number
  /** Reason phrase of the status line, where it differs from the usual one. */
  reason?: string
  /** The vendor's own error code. */
  code: string
  /** null: the vendor sends none. */
  message: string | null
  mqtt?: MqttCodes
  /** Code of the closing frame that ends a WebSocket, with the message as its reason. */
  close?: number
}

type Placeholders<Text> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never

type Parameters<Row extends ErrorRow> = [Placeholders<Row['message']>] extends [never]
  ? [values?: Record<string, unknown>, extra?: ErrorExtra]
  : [values: Record<Placeholders<Row['message']>, string | number>, extra?: ErrorExtra]

/** What a throw site adds: neither is part of the row. */
export interface ErrorExtra {
  /** For our log line, never for the client: `topicBytes=257`. */
  detail?: string
  headers?: Record<string, string>
}

/** A refusal in a provider's words: one row of its error table, filled in. */
export class ProviderError extends Error {
  readonly key: string
  readonly row: ErrorRow
  /** The text for the client; null when the vendor sends none. */
  readonly text: string | null
  readonly detail: string | undefined
  readonly headers: Record<string, string> | undefined
  constructor(key: string, row: ErrorRow, text: string | null, extra?: ErrorExtra) {
    super(text ?? row.code)
    this.name = 'ProviderError'
    this.key = key
    this.row = row
    this.text = text
    this.detail = extra?.detail
    this.headers = extra?.headers
  }
}

/** Makes the error of one row; the values fill the message's placeholders. */
export type ErrorMaker<Row extends ErrorRow = ErrorRow> = ((
  ...args: Parameters<Row>
) => ProviderError) & { readonly key: string; readonly row: Row }

/** An error maker of any row, called with whatever values its message wants. */
export type AnyErrorMaker = ((values?: any, extra?: ErrorExtra) => ProviderError) & {
  readonly key: string
  readonly row: ErrorRow
}

export type Errors = Record<string, AnyErrorMaker>

/**
 * Turns an error table into constructors: `throw errors.TopicTooLong({ limit })`.
 *
 * A placeholder that a throw site forgets does not compile.
 */
export function defineErrors<const Rows extends Record<string, ErrorRow>>(rows: Rows) {
  const makers: Record<string, unknown> = {}
  for (const [key, row] of Object.entries(rows)) {
    const make = (values: Record<string, unknown> = {}, extra?: ErrorExtra) =>
      new ProviderError(key, row, row.message && fill(row.message, values), extra)
    makers[key] = Object.assign(make, { key, row })
  }
  return makers as { readonly [Key in keyof Rows]: ErrorMaker<Rows[Key]> }
}

function fill(template: string, values: Record<string, unknown>): string {
  return template.replace(/\{(\w+)\}/g, (placeholder, name: string) =>
    name in values ? String(values[name]) : placeholder
  )
}
