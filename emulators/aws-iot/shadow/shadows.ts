import type { Clock, CoreLog, Records } from '@fogbank/core'
import { errors } from '../errors.ts'
import { limits } from '../limits.ts'
import type { JsonObject } from './json.ts'
import {
  mergeSection,
  pickMetadata,
  stamp,
  toDelta,
  type Section,
  type SectionName
} from './merge.ts'
import { parseUpdate } from './request.ts'
import { createShadowStore, type Shadow, type ShadowId } from './store.ts'

/** What an accepted update says, to whom it concerns; keys stand in the service's order. */
export interface Updated {
  accepted: object
  /** Absent: what is desired is reported so. */
  delta: object | undefined
  documents: object
}

/** The shadows of all things; both doors call these. */
export interface Shadows {
  /** @throws ProviderError ShadowNotFound */
  get(id: ShadowId): Promise<object>
  /** @throws ProviderError a row of the shadow's error table */
  update(id: ShadowId, body: Buffer): Promise<Updated>
  /** @throws ProviderError ShadowNotFound */
  delete(id: ShadowId): Promise<object>
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

const SECTIONS: readonly SectionName[] = ['desired', 'reported']

/** `thing`, or `thing~name`, as the service's errors write it. */
function toText({ thing, name }: ShadowId): string {
  return name === undefined ? thing : `${thing}~${name}`
}

/** Those of the two sections that are there, by name. */
function bySection(
  shadow: Shadow | undefined,
  pick: (section: Section, name: SectionName) => unknown
): JsonObject {
  const picked: JsonObject = {}
  for (const name of SECTIONS) {
    const section = shadow?.[name]
    if (section) picked[name] = pick(section, name)
  }
  return picked
}

const stateOf = (shadow: Shadow) => bySection(shadow, ({ state }) => state)
const metadataOf = (shadow: Shadow) => bySection(shadow, ({ metadata }) => metadata)

const deltaOf = ({ desired, reported }: Shadow) => toDelta(desired?.state, reported?.state)

function checkSize(shadow: Shadow): void {
  let bytes = 0
  for (const name of SECTIONS) {
    if (shadow[name]) bytes += Buffer.byteLength(JSON.stringify(shadow[name].state))
  }
  limits.shadowBytes.check(bytes)
}

export function createShadows(records: Records, clock: Clock, log: CoreLog): Shadows {
  const store = createShadowStore(records, clock, log)
  const nowSeconds = () => Math.floor(clock.now() / 1000)

  return {
    async get(id) {
      const shadow = await store.read(id)
      if (!shadow) throw errors.ShadowNotFound({ id: toText(id) })
      const delta = deltaOf(shadow)
      return {
        state: { ...stateOf(shadow), ...(delta ? { delta } : {}) },
        metadata: metadataOf(shadow),
        version: shadow.version,
        timestamp: nowSeconds()
      }
    },
    async update(id, body) {
      const request = parseUpdate(body)
      const token = request.clientToken === undefined ? {} : { clientToken: request.clientToken }
      return store.change(id, (before, lastVersion) => {
        if (request.version !== undefined && request.version !== (before?.version ?? 0)) {
          throw errors.ShadowVersionConflict(
            {},
            { detail: `version=${before?.version ?? 0} given=${request.version}` }
          )
        }
        const timestamp = nowSeconds()
        const after: Shadow = { version: lastVersion + 1 }
        for (const name of SECTIONS) {
          const section = mergeRequested(request.state, name, before?.[name], timestamp)
          if (section) after[name] = section
        }
        checkSize(after)
        const { version } = after
        const delta = deltaOf(after)
        const documentOf = (shadow: Shadow) => ({
          state: stateOf(shadow),
          metadata: metadataOf(shadow),
          version: shadow.version
        })
        const result: Updated = {
          accepted: {
            state: request.state,
            metadata: acceptedMetadata(request.state, timestamp),
            version,
            timestamp,
            ...token
          },
          delta: delta && {
            version,
            timestamp,
            state: delta,
            metadata: pickMetadata(after.desired!.metadata, delta),
            ...token
          },
          documents: {
            previous: before ? documentOf(before) : null,
            current: documentOf(after),
            timestamp,
            ...token
          }
        }
        return { shadow: after, result }
      })
    },
    delete: (id) =>
      store.change(id, (before) => {
        if (!before) throw errors.ShadowNotFound({ id: toText(id) })
        const result = { version: before.version, timestamp: nowSeconds() }
        return { shadow: null, result }
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

type RequestedState = ReturnType<typeof parseUpdate>['state']

function mergeRequested(
  state: RequestedState,
  name: SectionName,
  before: Section | undefined,
  timestamp: number
): Section | undefined {
  if (state === null) return undefined
  const patch = state[name]
  if (patch === undefined) return before
  return patch === null ? undefined : mergeSection(before, patch, timestamp)
}

/** The request's own keys, those that null deletes too; of a wiped state the time alone. */
function acceptedMetadata(state: RequestedState, timestamp: number): JsonObject {
  if (state === null) return { timestamp }
  const metadata: JsonObject = {}
  for (const name of SECTIONS) {
    const patch = state[name]
    if (patch !== undefined) metadata[name] = stamp(patch, timestamp)
  }
  return metadata
}
