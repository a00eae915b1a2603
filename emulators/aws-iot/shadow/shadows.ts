import type { Clock, CoreLog, Records } from '@fogbank/core'
import { errors } from '../errors.ts'
import { limits } from '../limits.ts'
import { toText } from './json.ts'
import {
  mergeSection,
  pickMetadata,
  toDelta,
  toPatch,
  type Section,
  type SectionName
} from './merge.ts'
import { parseUpdate, type UpdateRequest } from './request.ts'
import { createShadowStore, type Shadow, type ShadowId } from './store.ts'

/** What an accepted update says, to whom it concerns, as JSON; keys stand in the service's order. */
export interface Updated {
  accepted: string
  /** Written when somebody hears it. Undefined: what is desired is reported so. */
  delta(): string | undefined
  documents(): string
}

/** The shadows of all things; both doors call these. What they answer is JSON. */
export interface Shadows {
  /** @throws ProviderError ShadowNotFound */
  get(id: ShadowId, clientToken?: string): Promise<string>
  /** @throws ProviderError a row of the shadow's error table */
  update(id: ShadowId, body: Buffer): Promise<Updated>
  /** @throws ProviderError ShadowNotFound */
  delete(id: ShadowId, clientToken?: string): Promise<string>
  /** Names of a page, and whether there are more. */
  list(
    thing: string,
    after: string | undefined,
    limit: number
  ): Promise<{ names: string[]; hasMore: boolean }>
  /** The records were emptied. */
  forget(): void
  close(): void
}

/** `thing`, or `thing~name`, as the service's errors write it. */
function toName({ thing, name }: ShadowId): string {
  return name === undefined ? thing : `${thing}~${name}`
}

const stateOf = ({ desired, reported }: Shadow, delta?: string) =>
  toText({ desired: desired?.stateText, reported: reported?.stateText, delta })

const metadataOf = ({ desired, reported }: Shadow) =>
  toText({ desired: desired?.metadataText, reported: reported?.metadataText })

const deltaOf = ({ desired, reported }: Shadow) => toDelta(desired?.state, reported?.state)

const documentOf = (shadow: Shadow) =>
  toText({ state: stateOf(shadow), metadata: metadataOf(shadow), version: shadow.version })

/** A text of a client's as a member. */
const quote = (text: string | undefined) => (text === undefined ? undefined : JSON.stringify(text))

function checkSize({ desired, reported }: Shadow): void {
  const bytesOf = (section: Section | undefined) =>
    section ? Buffer.byteLength(section.stateText) : 0
  limits.shadowBytes.check(bytesOf(desired) + bytesOf(reported))
}

export function createShadows(records: Records, clock: Clock, log: CoreLog): Shadows {
  const store = createShadowStore(records, clock, log)
  const nowSeconds = () => Math.floor(clock.now() / 1000)

  return {
    async get(id, clientToken) {
      const shadow = await store.read(id)
      if (!shadow) throw errors.ShadowNotFound({ id: toName(id) })
      const delta = deltaOf(shadow)
      return toText({
        state: stateOf(shadow, delta && JSON.stringify(delta)),
        metadata: metadataOf(shadow),
        version: shadow.version,
        timestamp: nowSeconds(),
        clientToken: quote(clientToken)
      })
    },
    async update(id, body) {
      const request = parseUpdate(body)
      return store.change(id, (before, lastVersion) => {
        checkVersion(request, before)
        const timestamp = nowSeconds()
        const { after, named } = merge(request, before, lastVersion + 1, timestamp)
        checkSize(after)
        const result = describe(request, { before, after, named, timestamp })
        return { shadow: after, result }
      })
    },
    delete: (id, clientToken) =>
      store.change(id, (before) => {
        if (!before) throw errors.ShadowNotFound({ id: toName(id) })
        const { version } = before
        const members = { version, timestamp: nowSeconds(), clientToken: quote(clientToken) }
        return { shadow: null, result: toText(members) }
      }),
    async list(thing, after, limit) {
      // One more than asked for tells whether there is a next page.
      const names = await store.names(thing, after, limit + 1)
      return { names: names.slice(0, limit), hasMore: names.length > limit }
    },
    forget: store.forget,
    close: store.close
  }
}

/** Of a shadow that does not exist only 0 is right. */
function checkVersion({ version }: UpdateRequest, before: Shadow | undefined): void {
  const current = before?.version ?? 0
  if (version === undefined || version === current) return
  throw errors.ShadowVersionConflict({}, { detail: `version=${current} given=${version}` })
}

/** The shadow behind an update; and what the update names, with its metadata, what it deletes too. */
function merge(
  { state }: UpdateRequest,
  before: Shadow | undefined,
  version: number,
  timestamp: number
): Pick<Change, 'after' | 'named'> {
  const stamped = toText({ timestamp })
  if (state === null) return { after: { version }, named: { state: 'null', metadata: stamped } }
  const after: Shadow = { version, desired: before?.desired, reported: before?.reported }
  let states = ''
  let stamps = ''
  for (const name of Object.keys(state) as SectionName[]) {
    const wanted = state[name]
    const patch = wanted ? toPatch(wanted, timestamp) : undefined
    const comma = states === '' ? '' : ','
    states += `${comma}"${name}":${patch?.stateText ?? 'null'}`
    stamps += `${comma}"${name}":${patch?.metadataText ?? stamped}`
    after[name] = patch && mergeSection(before?.[name], patch)
  }
  return { after, named: { state: `{${states}}`, metadata: `{${stamps}}` } }
}

interface Change {
  before: Shadow | undefined
  after: Shadow
  /** What the update names, as JSON. */
  named: { state: string; metadata: string }
  timestamp: number
}

function describe(request: UpdateRequest, { before, after, named, timestamp }: Change): Updated {
  const { version } = after
  const clientToken = quote(request.clientToken)
  const token = clientToken === undefined ? '' : `,"clientToken":${clientToken}`
  return {
    // Every update has one, so it is put together without an object in between.
    accepted: `{"state":${named.state},"metadata":${named.metadata},"version":${version},"timestamp":${timestamp}${token}}`,
    delta() {
      const delta = deltaOf(after)
      if (!delta) return undefined
      return toText({
        version,
        timestamp,
        state: JSON.stringify(delta),
        metadata: JSON.stringify(pickMetadata(after.desired!.metadata, delta)),
        clientToken
      })
    },
    documents: () =>
      toText({
        previous: before ? documentOf(before) : 'null',
        current: documentOf(after),
        timestamp,
        clientToken
      })
  }
}
