/** A member that is not there, or nothing but white space. */
export function isBlank(value: unknown): boolean {
  if (value === undefined || value === null) return true
  return typeof value === 'string' && !/\S/.test(value)
}

const DATE = '(?!0000)\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])'
const CLOCK = '(?:[01]\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:\\.\\d+)?)?'
const OFFSET = '(?:Z|[+-](?:0\\d|1[0-4]):?[0-5]\\d)'
const TIME = new RegExp(`^${DATE}(?:[T ]${CLOCK}${OFFSET}?)?$`, 'i')

/**
 * Whether a text is a time as the service takes it: ISO 8601, any offset or none, any fraction.
 *
 * Most are judged by the pattern alone: making a Date of each would cost half of what parsing the events does.
 */
export function isTime(text: string): boolean {
  if (!TIME.test(text)) return false
  const day = Number(text.slice(8, 10))
  return day <= 28 || day <= daysIn(Number(text.slice(0, 4)), Number(text.slice(5, 7)))
}

/** The day before the first of the next month. */
const daysIn = (year: number, month: number) => new Date(Date.UTC(year, month, 0)).getUTCDate()
