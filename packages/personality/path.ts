/** A vendor's path template, ready to be matched against a raw (still encoded) path. */
export interface PathTemplate {
  template: string
  /** The parameters, percent-decoded once; undefined: another path. @throws URIError malformed escape */
  match(rawPath: string): Record<string, string> | undefined
  /** Whether it would match, whatever its escapes are. */
  fits(rawPath: string): boolean
}

/**
 * Compiles `/topics/{topic+}` or `/topics/{name}:publish`.
 *
 * `{name}` is one segment and not empty; `{name+}` may hold slashes; `{name*}` may be empty as well. All
 * other characters stand for themselves.
 */
export function compilePath(template: string): PathTemplate {
  const names: string[] = []
  const pattern = template.replace(
    /\{(\w+)([+*]?)\}|[^{]+|\{/g,
    (literal, name: string | undefined, repeat: string) => {
      if (!name) return literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      names.push(name)
      return repeat === '+' ? '(.+)' : repeat === '*' ? '(.*)' : '([^/]+?)'
    }
  )
  const expression = new RegExp(`^${pattern}$`, 's')
  return {
    template,
    fits: (rawPath) => expression.test(rawPath),
    match(rawPath) {
      const found = expression.exec(rawPath)
      if (!found) return undefined
      const parameters: Record<string, string> = {}
      for (const [index, name] of names.entries()) {
        parameters[name] = decodeOnce(found[index + 1] ?? '')
      }
      return parameters
    }
  }
}

/**
 * Splits a raw query into names and values, percent-decoded once; the last of a repeated name wins.
 *
 * `+` stays a plus: it is legal in MQTT topics, and only HTML forms mean a space by it.
 * @throws URIError malformed escape
 */
export function parseQuery(rawQuery: string): Record<string, string> {
  const query: Record<string, string> = Object.create(null)
  if (rawQuery === '') return query
  for (const pair of rawQuery.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = equals < 0 ? pair : pair.slice(0, equals)
    query[decodeOnce(name)] = equals < 0 ? '' : decodeOnce(pair.slice(equals + 1))
  }
  return query
}

function decodeOnce(text: string): string {
  return text.includes('%') ? decodeURIComponent(text) : text
}

/** The raw request target's path, undecoded; absolute-form targets lose scheme and host. */
export function rawPath(target: string): string {
  const start = target[0] === '/' ? 0 : pathStart(target)
  const end = target.indexOf('?', start)
  return end < 0 ? target.slice(start) : target.slice(start, end)
}

/** What follows the first `?`, undecoded. */
export function rawQuery(target: string): string {
  const mark = target.indexOf('?')
  return mark < 0 ? '' : target.slice(mark + 1)
}

function pathStart(target: string): number {
  const scheme = target.indexOf('://')
  const slash = target.indexOf('/', scheme < 0 ? 0 : scheme + 3)
  return slash < 0 ? target.length : slash
}
