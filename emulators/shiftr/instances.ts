import type { Core, Space } from '@fogbank/core'

export interface TokenSettings {
  /** Shown wherever the secret must not be. */
  name: string
  secret: string
  /** Accepted as username instead of the instance's name, as the older service had it. */
  key?: string
  readOnly?: boolean
}

export interface InstanceSettings {
  name: string
  /** @default main for the instance local, `shiftr:NAME` for others */
  space?: string
  tokens: TokenSettings[]
}

/** One isolated broker with a name, as shiftr.io sells them. */
export interface Instance {
  readonly name: string
  readonly space: Space
  readonly tokens: readonly TokenSettings[]
}

/** `public` is the pair that public sketches use for the playground. */
const SEEDED: readonly InstanceSettings[] = [
  {
    name: 'local',
    tokens: [
      { name: 'local', secret: 'local' },
      { name: 'public', secret: 'public', key: 'public' }
    ]
  }
]

export interface Instances {
  readonly all: readonly Instance[]
  /** Serves who names none. */
  readonly first: Instance
  /** They are the well-known ones, with secrets that are none. */
  readonly seeded: boolean
  /** The instance of this name, or of a token's key, and the tokens that open it under that name. */
  named(username: string): { instance: Instance; tokens: readonly TokenSettings[] } | undefined
  /**
   * The instance that a host header names: `NAME.cloud.shiftr.io` or `NAME.localhost`.
   *
   * undefined: it names none; null: it names one that does not exist.
   */
  ofHost(host: string | undefined): Instance | null | undefined
}

export async function createInstances(
  core: Core,
  settings: readonly InstanceSettings[] = SEEDED
): Promise<Instances> {
  const names = new Map<string, { instance: Instance; tokens: TokenSettings[] }>()
  const all: Instance[] = []
  for (const { name, space = name === 'local' ? 'main' : `shiftr:${name}`, tokens } of settings) {
    const instance: Instance = { name, space: await core.space(space), tokens }
    all.push(instance)
    names.set(name, { instance, tokens: [...tokens] })
  }
  for (const instance of all) {
    for (const token of instance.tokens) {
      const known = token.key === undefined ? undefined : names.get(token.key)
      if (token.key === undefined) continue
      if (!known) names.set(token.key, { instance, tokens: [token] })
      else if (known.instance === instance && !known.tokens.includes(token))
        known.tokens.push(token)
    }
  }
  return {
    all,
    first: all[0]!,
    seeded: settings === SEEDED,
    named: (username) => names.get(username),
    ofHost(host) {
      const found = host && /^([^.:]+)\.(cloud\.shiftr\.io|localhost)(?::\d+)?$/i.exec(host)
      if (!found) return undefined
      const instance = names.get(found[1]!.toLowerCase())?.instance
      // Any name may stand before `.localhost`; only the service's own domain promises an instance.
      if (!instance && found[2]!.toLowerCase() === 'localhost') return undefined
      return instance ?? null
    }
  }
}
