/** The values of a name that may stand in a query more than once, decoded; a comma separates nothing. */
export function valuesOf(rawQuery: string, name: string): string[] {
  const wanted = name.toLowerCase()
  return pairsOf(rawQuery)
    .filter(([one]) => one === wanted)
    .map(([, value]) => value)
}

/** Decoded pairs, names in lower case: the service does not tell cases apart, and reads `+` as a space. */
function pairsOf(rawQuery: string): [name: string, value: string][] {
  return rawQuery
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=')
      const name = equals < 0 ? pair : pair.slice(0, equals)
      return [decode(name).toLowerCase(), equals < 0 ? '' : decode(pair.slice(equals + 1))]
    })
}

const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '))
