import { errors } from './errors.ts'

const BASIC_FORM = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
/** RFC 1123: `Fri, 02 Jan 2026 03:04:05 GMT`. The day of the week is nobody's to check. */
const HTTP_FORM =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d?) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) (?:GMT|UTC|[+-]0000)$/

/**
 * A `Date` header in the form that is signed, `20260102T030405Z`; any other text as it is.
 * @see https://docs.aws.amazon.com/general/latest/gr/sigv4-date-handling.html
 * @see https://docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html
 */
export function fromDateHeader(date: string): string {
  const parts = HTTP_FORM.exec(date)
  const month = parts ? MONTHS.indexOf(parts[2]!) + 1 : 0
  if (!parts || month === 0) return date
  const [, day = '', , year, hour, minute, second] = parts
  return `${year}${String(month).padStart(2, '0')}${day.padStart(2, '0')}T${hour}${minute}${second}Z`
}

/**
 * Milliseconds since 1970 of a date in basic form.
 * @param given as the client has sent it
 * @throws ProviderError DateMalformed
 */
export function toTime(date: string, given = date): number {
  const parts = BASIC_FORM.exec(date)
  if (!parts) throw errors.DateMalformed({ date: given })
  const month = Number(parts[2])
  const day = Number(parts[3])
  const time = [Number(parts[4]), Number(parts[5]), Number(parts[6])] as const
  const timeMs = Date.UTC(Number(parts[1]), month - 1, day, ...time)
  // Date.UTC takes the 31st of February, and 25 o'clock, for another day.
  const made = new Date(timeMs)
  const isDate = made.getUTCMonth() === month - 1 && made.getUTCDate() === day
  if (!isDate || time[1] > 59 || time[2] > 59) throw errors.DateMalformed({ date: given })
  return timeMs
}

export function toBasicForm(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-:]|\.\d+/g, '')
}
