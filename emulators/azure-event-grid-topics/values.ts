/** A member that is not there, or nothing but white space. */
export function isBlank(value: unknown): boolean {
  if (value === undefined || value === null) return true
  return typeof value === 'string' && !/\S/.test(value)
}

const TIME =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/i

/** Whether a text is a time as the service takes it: ISO 8601, any offset or none, any fraction. */
export function isTime(text: string): boolean {
  const [, year = '', month = '', day = ''] = TIME.exec(text) ?? []
  if (year === '') return false
  // Date.parse takes the 31st of every month.
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return false
  return !Number.isNaN(Date.parse(text.replace(' ', 'T').replace(/([+-]\d{2})(\d{2})$/, '$1:$2')))
}
