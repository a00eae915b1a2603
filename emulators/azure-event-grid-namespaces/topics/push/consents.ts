import type { Records } from '@fogbank/core'

/** What the owner of a URL has allowed. */
export interface Consent {
  url: string
  /** Requests a minute. @default no limit */
  ratePerMinute?: number
}

/** The consents of web hooks, so that a restart does not ask again. */
export interface Consents {
  get(path: string): Consent | undefined
  /** Resolves when it is kept; undefined takes it back. */
  set(path: string, consent: Consent | undefined): Promise<void>
  /** After the records were emptied by somebody else. */
  forget(): void
}

/** They live under `c/PATH`. */
export async function openConsents(records: Records): Promise<Consents> {
  const consents = new Map<string, Consent>()
  for await (const [key, value] of records.range({ gt: 'c/', lt: 'c0' })) {
    consents.set(key.slice(2), JSON.parse(value.toString()) as Consent)
  }
  return {
    get: (path) => consents.get(path),
    async set(path, consent) {
      const key = `c/${path}`
      if (consent) {
        consents.set(path, consent)
        await records.commit([{ put: key, value: Buffer.from(JSON.stringify(consent)) }])
      } else if (consents.delete(path)) await records.commit([{ del: key }])
    },
    forget: () => consents.clear()
  }
}
