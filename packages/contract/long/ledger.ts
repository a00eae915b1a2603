/** What was sent, what of it was acknowledged, and how often it arrived. */
export interface Ledger {
  /** Notes a message as sent; answers its text. */
  send(kind: string): string
  acknowledge(text: string): void
  arrived(text: string): void
  /** Acknowledged and not here. */
  missing(): string[]
  /** Arrived more than once, of the kinds that may not. */
  repeated(kinds: readonly string[]): string[]
  counts(): { sent: number; acknowledged: number; arrived: number }
}

export function createLedger(): Ledger {
  const arrivals = new Map<string, number>()
  const acknowledged = new Set<string>()
  const missing = new Set<string>()
  let sent = 0
  return {
    send: (kind) => `${kind}:${++sent}`,
    acknowledge(text) {
      acknowledged.add(text)
      if (!arrivals.has(text)) missing.add(text)
    },
    arrived(text) {
      missing.delete(text)
      arrivals.set(text, (arrivals.get(text) ?? 0) + 1)
    },
    missing: () => [...missing],
    repeated: (kinds) =>
      [...arrivals]
        .filter(([text, times]) => times > 1 && kinds.includes(text.split(':')[0]!))
        .map(([text, times]) => `${text} ${times} times`),
    counts: () => ({ sent, acknowledged: acknowledged.size, arrived: arrivals.size })
  }
}

/** Values that only rise: what is kept is not older than the last one that was acknowledged. */
export interface RisingLedger {
  next(key: string): number
  acknowledge(key: string, value: number): void
  /** Keys with an acknowledged value. */
  keys(): string[]
  /** undefined when the value can be the kept one. */
  fault(key: string, value: number | undefined): string | undefined
}

export function createRisingLedger(): RisingLedger {
  const sent = new Map<string, number>()
  const acknowledged = new Map<string, number>()
  return {
    next(key) {
      const value = (sent.get(key) ?? 0) + 1
      sent.set(key, value)
      return value
    },
    acknowledge(key, value) {
      acknowledged.set(key, Math.max(value, acknowledged.get(key) ?? 0))
    },
    keys: () => [...acknowledged.keys()],
    fault(key, value) {
      const least = acknowledged.get(key) ?? 0
      const most = sent.get(key) ?? 0
      if ((value ?? 0) >= least && (value ?? 0) <= most) return undefined
      return `${key} is ${value}, acknowledged was ${least}, sent was ${most}`
    }
  }
}
