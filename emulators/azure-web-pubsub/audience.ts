const SCHEME = /^(?:https?|wss?):\/\//i

/**
 * Whether a token made for `aud` may be used on a resource such as `localhost:4640/api/hubs/chat/:send`.
 *
 * Case does not count, nor which of the four schemes it is, nor one percent-encoding. What follows the
 * resource behind a slash or a question mark is let be: the SDK leaves the query in, the documentation out.
 */
export function isAudienceFor(aud: unknown, resource: string): boolean {
  const wanted = resource.toLowerCase()
  const named: unknown[] = Array.isArray(aud) ? aud : [aud]
  return named.some(
    (one) => typeof one === 'string' && formsOf(one).some((form) => fits(form, wanted))
  )
}

function formsOf(audience: string): string[] {
  try {
    return [audience, decodeURIComponent(audience)]
  } catch {
    return [audience] // a percent sign that stands for itself
  }
}

function fits(audience: string, wanted: string): boolean {
  const scheme = SCHEME.exec(audience)?.[0]
  if (scheme === undefined) return false
  const own = audience.slice(scheme.length).toLowerCase()
  if (!own.startsWith(wanted)) return false
  const next = own[wanted.length]
  return next === undefined || next === '/' || next === '?'
}
