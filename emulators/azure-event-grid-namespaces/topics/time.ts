const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/
const ISO_DURATION = /^P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/
const NANOSECOND_DIGITS = 9

/**
 * A timestamp in UTC and without trailing zeros, as the service gives it back; undefined when it is none.
 *
 * `10:12:46.2525140-07:00` becomes `17:12:46.252514Z`.
 */
export function toUtcTime(text: string): string | undefined {
  const found = RFC3339.exec(text)
  if (!found) return undefined
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number)
  const [, , , , , , , fraction = '', sign, offsetHours = '0', offsetMinutes = '0'] = found
  const local = Date.UTC(year!, month! - 1, day!, hour, minute, second)
  const isReal =
    new Date(local).toISOString().slice(0, 19) === `${text.slice(0, 10)}T${text.slice(11, 19)}`
  if (!isReal || Number(offsetHours) > 23 || Number(offsetMinutes) > 59) return undefined
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * (sign === '-' ? -1 : 1)
  const utc = new Date(local - offset * 60_000).toISOString()
  const digits = fraction.slice(0, NANOSECOND_DIGITS).replace(/0+$/, '')
  return `${utc.slice(0, -5)}${digits === '' ? '' : `.${digits}`}Z`
}

/** Milliseconds of an ISO 8601 duration in days and less; undefined when it is none. */
export function durationMs(text: string): number | undefined {
  const found = ISO_DURATION.exec(text)
  if (!found) return undefined
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = found
    .slice(1)
    .map((part) => Number(part ?? 0))
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
}
