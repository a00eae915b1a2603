/** What a filter reckons with. */
export type Value = string | number | boolean | null | Iterable<string>

/** Types as error messages name them. */
export type TypeName = 'string' | 'int' | 'bool' | 'null' | 'collection'

export interface FilterFunction {
  /** By position; a second entry may be a choice. */
  args: readonly (readonly TypeName[])[]
  /** How many of them have to be there. @default all */
  required?: number
  returns: TypeName
  /** Whether it answers null to a null. */
  nullable: boolean
  evaluate(...args: any[]): Value
}

const STRING: readonly TypeName[] = ['string']
const INT: readonly TypeName[] = ['int']

function overString(evaluate: (text: string) => Value): FilterFunction {
  return {
    args: [STRING],
    returns: 'string',
    nullable: true,
    evaluate: (text: string | null) => (text === null ? null : evaluate(text))
  }
}

function asks(evaluate: (text: string, part: string) => boolean): FilterFunction {
  return {
    args: [STRING, STRING],
    returns: 'bool',
    nullable: false,
    evaluate: (text: string | null, part: string | null) =>
      text !== null && part !== null && evaluate(text, part)
  }
}

/** @see https://learn.microsoft.com/azure/azure-web-pubsub/reference-odata-filter */
export const functions: Record<string, FilterFunction> = {
  length: {
    args: [['string', 'collection']],
    returns: 'int',
    nullable: true,
    evaluate: (of: string | Set<string> | null) =>
      of === null ? null : typeof of === 'string' ? of.length : of.size
  },
  tolower: overString((text) => text.toLowerCase()),
  toupper: overString((text) => text.toUpperCase()),
  trim: overString((text) => text.trim()),
  substring: {
    args: [STRING, INT, INT],
    required: 2,
    returns: 'string',
    nullable: true,
    // Beyond the end there is nothing; it is no error.
    evaluate: (text: string | null, start: number | null, length?: number | null) => {
      if (text === null || start === null || length === null) return null
      const from = Math.max(0, start)
      return text.slice(from, length === undefined ? undefined : from + Math.max(0, length))
    }
  },
  startswith: asks((text, part) => text.startsWith(part)),
  endswith: asks((text, part) => text.endsWith(part)),
  contains: asks((text, part) => text.includes(part)),
  indexof: {
    args: [STRING, STRING],
    returns: 'int',
    nullable: false,
    evaluate: (text: string | null, part: string | null) =>
      text === null || part === null ? -1 : text.indexOf(part)
  },
  concat: {
    args: [STRING, STRING],
    returns: 'string',
    nullable: true,
    evaluate: (left: string | null, right: string | null) =>
      left === null || right === null ? null : left + right
  }
}
