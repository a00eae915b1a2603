// Sets and maps that stay empty for most of what has them: one empty one stands for all of those, and
// whoever puts something in gets one of its own. An empty Map weighs some 200 bytes, times every client.

const NO_ENTRIES: Map<any, any> = new Map()
const NO_MEMBERS: Set<any> = new Set()

export function noEntries<Key, Value>(): Map<Key, Value> {
  return NO_ENTRIES
}

export function noMembers<Member>(): Set<Member> {
  return NO_MEMBERS
}

/** @returns the map to keep from here on */
export function put<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): Map<Key, Value> {
  return (map === NO_ENTRIES ? new Map<Key, Value>() : map).set(key, value)
}

/** @returns the set to keep from here on */
export function add<Member>(set: Set<Member>, member: Member): Set<Member> {
  return (set === NO_MEMBERS ? new Set<Member>() : set).add(member)
}
