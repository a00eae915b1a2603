/** A string, a bracket, a comma or a colon; whatever lies between these is a number or a keyword. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g

/**
 * The members of a JSON object as they were written, by name; of two with one name the last counts.
 *
 * `JSON.parse` would round a uint64 and change how numbers inside `data` are written, and both have to
 * come out as they came in.
 * @throws SyntaxError when the text is not JSON, or not an object
 */
export function readMembers(text: string): Map<string, string> {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SyntaxError('Expected a JSON object.')
  }
  const members = new Map<string, string>()
  let depth = 0
  let name: string | undefined
  let start = 0
  // The text is JSON, so that tokens need no checks of their own.
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const end = index + token.length
    if (depth === 1 && name === undefined && token.startsWith('"')) {
      name = JSON.parse(token) as string
      continue
    }
    if (depth === 1 && token === ':') start = end
    const closes = token === '}' || token === ']'
    if (depth === 1 && name !== undefined && (closes || token === ',')) {
      members.set(name, text.slice(start, index).trim())
      name = undefined
    }
    if (closes) depth--
    else if (token === '{' || token === '[') depth++
  }
  return members
}
