import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'

/** A JSON Schema, as data. */
export type JsonSchema = Record<string, unknown>

/** The first thing a schema found wrong; ajv's own sentence is for the log only. */
export interface ValidationFault {
  /** Where: `/qos`; empty for the whole. */
  path: string
  /** The schema keyword that failed: `enum`, `required`, `additionalProperties` … */
  keyword: string
  /** The property that a `required` or `additionalProperties` speaks of. */
  property: string | undefined
  sentence: string
  /** The values an `enum` allows. */
  choices: unknown[] | undefined
}

/** Answers the first fault, or undefined when the value fits. */
export type Validator = (value: unknown) => ValidationFault | undefined

// The schemas are our own, and `strict` refuses what is none; their meta-schema alone takes 15 ms to compile.
const ajv = new Ajv({ strict: true, allowUnionTypes: true, validateSchema: false, meta: false })
addFormats.default(ajv)

const validators = new WeakMap<JsonSchema, Validator>()

/**
 * Compiles a schema once, with the first value it is asked about: compiling all of them takes longer than
 * the rest of a start. Asked again for the same object, it answers the same validator.
 *
 * The validator throws an Error when the schema itself is wrong.
 */
export function compileSchema(schema: JsonSchema): Validator {
  let validator = validators.get(schema)
  if (!validator) validators.set(schema, (validator = createValidator(schema)))
  return validator
}

function createValidator(schema: JsonSchema): Validator {
  let compiled: ValidateFunction | undefined
  return (value) => {
    const validate = (compiled ??= ajv.compile(schema))
    return validate(value) ? undefined : toFault(validate.errors?.[0])
  }
}

function toFault(error: ErrorObject | undefined): ValidationFault {
  const params = (error?.params ?? {}) as {
    missingProperty?: string
    additionalProperty?: string
    allowedValues?: unknown[]
  }
  return {
    path: error?.instancePath ?? '',
    keyword: error?.keyword ?? 'unknown',
    property: params.missingProperty ?? params.additionalProperty,
    sentence: error?.message ?? 'does not fit its schema',
    choices: params.allowedValues
  }
}
