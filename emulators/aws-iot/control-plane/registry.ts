import type { Records } from '@fogbank/core'
import { compilePolicy, type Policy, type PolicyDocument } from '../policy/document.ts'

export interface Thing {
  thingName: string
  thingId: string
  attributes: Record<string, string>
  version: number
}

export interface Certificate {
  certificateId: string
  status: 'ACTIVE' | 'INACTIVE'
  /** Names of the policies that are attached. */
  policies: string[]
  /** Names of the things that it is attached to. */
  things: string[]
  /** Whether its one thing is an `EXCLUSIVE_THING`. */
  isExclusive?: boolean
}

export interface StoredPolicy {
  policyName: string
  /** As it was given. */
  policyDocument: string
}

/**
 * Things, certificates and policies. Reads are from memory, because every publish of a device asks for its
 * policies; what is changed is committed before it shows.
 */
export interface Registry {
  thing(thingName: string): Thing | undefined
  certificate(certificateId: string): Certificate | undefined
  policy(policyName: string): StoredPolicy | undefined
  /** Those behind a name, in the order of their names. */
  things(after: string): Iterable<Thing>
  policiesOf(certificateId: string): readonly Policy[]
  isAttached(certificateId: string, thingName: string): boolean
  /** The thing that a certificate is attached to exclusively. */
  exclusiveThing(certificateId: string): string | undefined
  hasPrincipals(thingName: string): boolean
  putThing(thing: Thing): Promise<void>
  deleteThing(thingName: string): Promise<void>
  putCertificate(certificate: Certificate): Promise<void>
  putPolicy(policy: StoredPolicy): Promise<void>
  /** Runs a change when all those before it are done. */
  exclusively<T>(change: () => Promise<T>): Promise<T>
  /** The records were emptied. */
  forget(): void
}

interface Kinds {
  thing: Thing
  certificate: Certificate
  policy: StoredPolicy
}

/** Reads what an earlier run has left. */
export async function openRegistry(records: Records): Promise<Registry> {
  const things = new Map<string, Thing>()
  /** Sorted, or each page of them would sort all. */
  const thingNames: string[] = []
  const certificates = new Map<string, Certificate>()
  const policies = new Map<string, StoredPolicy>()
  const compiled = new Map<string, Policy>()
  const maps = { thing: things, certificate: certificates, policy: policies }
  let changing: Promise<unknown> = Promise.resolve()

  for await (const [key, value] of records.range()) {
    const kind = key.slice(0, key.indexOf(':')) as keyof Kinds
    const name = key.slice(kind.length + 1)
    maps[kind].set(name, JSON.parse(value.toString()))
    if (kind === 'thing') thingNames.push(name) // they come in the order of their keys
  }

  /** Where the first name stands that is not before this one. */
  function placeOf(name: string): number {
    let low = 0
    let high = thingNames.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (thingNames[middle]! < name) low = middle + 1
      else high = middle
    }
    return low
  }

  function* thingsBehind(after: string): Generator<Thing> {
    const place = placeOf(after)
    const start = thingNames[place] === after ? place + 1 : place
    for (let index = start; index < thingNames.length; index++) {
      yield things.get(thingNames[index]!)!
    }
  }

  async function put<Kind extends keyof Kinds>(kind: Kind, name: string, value: Kinds[Kind]) {
    await records.commit([{ put: `${kind}:${name}`, value: Buffer.from(JSON.stringify(value)) }])
    ;(maps[kind] as Map<string, Kinds[Kind]>).set(name, value)
  }

  function compiledPolicy(name: string): Policy[] {
    const known = compiled.get(name)
    if (known) return [known]
    const stored = policies.get(name)
    if (!stored) return []
    const policy = compilePolicy(JSON.parse(stored.policyDocument) as PolicyDocument)
    compiled.set(name, policy)
    return [policy]
  }

  return {
    thing: (name) => things.get(name),
    certificate: (id) => certificates.get(id),
    policy: (name) => policies.get(name),
    things: thingsBehind,
    policiesOf: (id) => (certificates.get(id)?.policies ?? []).flatMap(compiledPolicy),
    isAttached: (id, thing) => certificates.get(id)?.things.includes(thing) ?? false,
    exclusiveThing(id) {
      const certificate = certificates.get(id)
      return certificate?.isExclusive ? certificate.things[0] : undefined
    },
    hasPrincipals: (thing) =>
      [...certificates.values()].some(({ things }) => things.includes(thing)),
    async putThing(thing) {
      const { thingName } = thing
      await put('thing', thingName, thing)
      const place = placeOf(thingName)
      if (thingNames[place] !== thingName) thingNames.splice(place, 0, thingName)
    },
    async deleteThing(name) {
      await records.commit([{ del: `thing:${name}` }])
      if (things.delete(name)) thingNames.splice(placeOf(name), 1)
    },
    putCertificate: (certificate) => put('certificate', certificate.certificateId, certificate),
    putPolicy: (policy) => put('policy', policy.policyName, policy),
    exclusively(change) {
      const done = changing.then(change)
      changing = done.catch(() => {}) // whoever asked for it is told
      return done
    },
    forget() {
      for (const map of [things, certificates, policies, compiled]) map.clear()
      thingNames.length = 0
    }
  }
}
