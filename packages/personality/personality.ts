import type { MqttPolicy } from '@fogbank/core'
import type { Hono } from 'hono'
import type { Call, RawRequest, Reply } from './call.ts'
import type { PersonalityContext } from './context.ts'
import type { AnyErrorMaker, Errors, ProviderError } from './errors.ts'
import type { Limits } from './limits.ts'
import type { Operations } from './operations.ts'
import type { JsonSchema } from './validate.ts'

/** A step of the pipeline before the handler. */
export type Stage = 'match' | 'authenticate' | 'schema' | 'size'

/** Everything the suite has to know of one provider. */
export interface PersonalityDefinition<State = any, Settings = any> {
  /** Id: `aws-iot`. */
  name: string
  title: string
  /** Added to the port base. */
  portOffset: number
  operations: Operations<State>
  errors: Errors
  limits: Limits
  /** The order in which this vendor was seen to check. @default match, authenticate, size, schema */
  order?: readonly Stage[]
  /** Whether query parameter names are compared in lower case. @default false */
  lowerCaseQueryNames?: boolean
  /**
   * The path that is matched, undecoded, where the vendor looks past some of what was sent: case, a name in
   * front. @default as sent
   */
  toPath?(request: RawRequest, state: State): string
  /** Schema of this personality's part of the configuration. */
  settings?: JsonSchema
  /** Makes what the handlers work on. @throws SettingsError */
  create(context: PersonalityContext<Settings>): State | Promise<State>
  /** Proves who calls and leaves it in `call.principal`. @throws ProviderError */
  authenticate(call: Call<State, any>): void | Promise<void>
  /** The vendor's error envelope: the only place a failure becomes bytes. */
  render(error: ProviderError, call: Call<State>): Reply
  /** Headers of every answer, good or bad. */
  headers?(call: Call<State>): Record<string, string>
  /** Rows for what the pipeline itself finds. */
  fallbacks: {
    unknownOperation: AnyErrorMaker
    /** Known path, other verb; `{allow}` may stand in its message. */
    methodNotAllowed: AnyErrorMaker
    /** A percent-escape that is none. */
    malformedTarget: AnyErrorMaker
    /** A bug of ours. */
    internal: AnyErrorMaker
    /** The store failed or did not answer in time. */
    unavailable: AnyErrorMaker
  }
  mqtt?(state: State): MqttPolicy<any>
  /**
   * Its state as one's own tools read and change it: served on the control port under `/<name>`. A
   * SettingsError that it throws is answered 400 with its sentence.
   */
  control?(state: State): Hono<any>
  /** What a user needs to get in. */
  describe(state: State): PersonalityDescription
  /**
   * Every port is open; `http` is where others reach this personality, `http://localhost:4630`. What
   * starts here runs beside the calls, and ends with `close`.
   */
  started?(state: State, http: string): void
  /** Back to what start gave. */
  reset?(state: State): void | Promise<void>
  /** Answers calls that wait for something to happen; said before the ones in hand are waited for. */
  drain?(state: State): void
  close?(state: State): void | Promise<void>
}

export interface PersonalityDescription {
  /** For the start table: `access key test, secret test`. */
  credential: string
  /** For `GET /endpoints`. */
  credentials: Record<string, string>
  /** The sentence that follows a 401 or 403. */
  hint: string
  /** Path of MQTT over WebSocket; absent: none. */
  webSocketPath?: string
  /** false: MQTT comes over WebSocket only. @default true */
  mqttOverTcp?: boolean
  /** Further ports that it is served on, and the setting that named them: `topics[0].port`. */
  ports?: readonly { port: number; setting: string }[]
  /** More members for `GET /endpoints`; `{http}` stands for the HTTP URL. */
  endpoints?: Record<string, string>
}

/** Checks a definition's own references once, so that a misspelt row is found at start, not on a request. */
export function definePersonality<State, Settings>(
  definition: PersonalityDefinition<State, Settings>
): PersonalityDefinition<State, Settings> {
  for (const [name, operation] of Object.entries(definition.operations)) {
    for (const key of operation.raises) {
      if (!(key in definition.errors)) {
        throw new Error(
          `${definition.name} ${name} raises ${key}, which is no row of its error table`
        )
      }
    }
  }
  return definition
}
