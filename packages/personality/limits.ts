import type { AnyErrorMaker, Evidence, ProviderError } from './errors.ts'

/** One limit: up to and including `value` is fine. */
export interface LimitRow<Raises extends string = string> {
  value: number
  unit: string
  /** Key of the error row that tells the client. */
  raises: Raises
  source: string
  evidence: Evidence
}

/** A limit that can be asked. */
export interface Limit extends LimitRow {
  readonly name: string
  /** @throws ProviderError the row of `raises`, with `{limit}` and `{actual}` filled in. */
  check(actual: number): void
  /** The error that `check` throws. */
  exceeded(actual: number | string): ProviderError
}

export type Limits = Record<string, Limit>

/** Binds a limits table to the error table whose rows it raises. */
export function defineLimits<
  Makers,
  const Rows extends Record<string, LimitRow<keyof Makers & string>>
>(errors: Makers, rows: Rows): { readonly [Key in keyof Rows]: Limit & Rows[Key] } {
  const limits: Record<string, Limit> = {}
  for (const [name, row] of Object.entries(rows)) {
    const raise = errors[row.raises] as AnyErrorMaker
    const exceeded = (actual: number | string) =>
      raise({ limit: row.value, actual }, { detail: `${name}=${actual}` })
    limits[name] = {
      ...row,
      name,
      exceeded,
      check(actual) {
        if (actual > row.value) throw exceeded(actual)
      }
    }
  }
  return limits as { readonly [Key in keyof Rows]: Limit & Rows[Key] }
}
