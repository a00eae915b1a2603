import type { Clock, Ids, Origin } from '@fogbank/core'
import type { Principal } from './auth.ts'

/** Makes ids as shiftr.io shows them: 24 hex digits that sort by the second they were made in. */
export type MakeId = () => string

export function createIdMaker(clock: Clock, ids: Ids): MakeId {
  const maker = ids.bytes(5).toString('hex')
  let counter = ids.bytes(3).readUIntBE(0, 3)
  return () => {
    counter = (counter + 1) % 0x1000000
    const seconds = Math.floor(clock.now() / 1000) % 0x100000000
    return hex(seconds, 8) + maker + hex(counter, 6)
  }
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

/** An HTTP client: one connection per token and address, for as long as it keeps talking. */
export interface Caller extends Principal {
  readonly id: string
  /** What its publishes say they come from. */
  readonly origin: CallerOrigin
  lastSeenMs: number
}

export interface CallerOrigin extends Origin {
  connectionId: string
}

/** HTTP requests are too short to be drawn in a graph; a caller stays until it was silent this long. */
const SILENCE_MS = 10_000
const MAXIMUM_CALLERS = 1000

/** The HTTP clients of one instance. */
export interface Callers {
  /** The caller behind a request, which keeps it connected. */
  touch(principal: Principal, address: string): Caller
  has(id: string): boolean
  /** Ends the connection; its client makes a new one with its next request. */
  close(id: string): void
  readonly size: number
  /** Forgets everybody without a word. */
  clear(): void
}

export function createCallers(options: {
  clock: Clock
  makeId: MakeId
  joined(caller: Caller): void
  left(caller: Caller): void
}): Callers {
  const { clock, makeId, joined, left } = options
  const callers = new Map<string, { caller: Caller; cancel: () => void }>()

  function join(key: string, principal: Principal): Caller {
    const [oldest] = callers.keys()
    if (callers.size >= MAXIMUM_CALLERS && oldest !== undefined) leave(oldest)
    const id = makeId()
    const origin = { personality: 'shiftr', clientId: principal.name, connectionId: id }
    const caller: Caller = { ...principal, id, origin, lastSeenMs: clock.now() }
    callers.set(key, { caller, cancel: clock.after(SILENCE_MS, () => expire(key)) })
    joined(caller)
    return caller
  }

  function expire(key: string): void {
    const entry = callers.get(key)
    if (!entry) return
    const leftMs = entry.caller.lastSeenMs + SILENCE_MS - clock.now()
    if (leftMs <= 0) return leave(key)
    entry.cancel = clock.after(leftMs, () => expire(key))
  }

  function keyOf(id: string): string | undefined {
    for (const [key, { caller }] of callers) if (caller.id === id) return key
    return undefined
  }

  function leave(key: string): void {
    const entry = callers.get(key)
    if (!entry) return
    entry.cancel()
    callers.delete(key)
    left(entry.caller)
  }

  return {
    touch(principal, address) {
      const key = `${principal.name}\n${principal.readOnly}\n${address}`
      const known = callers.get(key)?.caller
      if (!known) return join(key, principal)
      known.lastSeenMs = clock.now()
      return known
    },
    has: (id) => keyOf(id) !== undefined,
    close(id) {
      const key = keyOf(id)
      if (key !== undefined) leave(key)
    },
    get size() {
      return callers.size
    },
    clear() {
      for (const { cancel } of callers.values()) cancel()
      callers.clear()
    }
  }
}
