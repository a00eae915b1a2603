import { isUtf8 } from 'node:buffer'
import { errors } from '../errors.ts'
import { limits } from '../limits.ts'
import { isObject, type JsonObject } from './json.ts'
import type { SectionName } from './merge.ts'

/** An update as it was asked for, checked. */
export interface UpdateRequest {
  /** null: both sections go. */
  state: Partial<Record<SectionName, JsonObject | null>> | null
  version?: number
  clientToken?: string
}

const SECTIONS = ['desired', 'reported'] as const
const NOT_AN_OBJECT = {
  desired: errors.ShadowDesiredNotObject,
  reported: errors.ShadowReportedNotObject
}

/** Reads the document of an update. @throws ProviderError */
export function parseUpdate(body: Buffer): UpdateRequest {
  const document = parseObject(body)
  const clientToken = checkClientToken(document)
  const { version } = document
  if (version !== undefined && (!Number.isSafeInteger(version) || (version as number) < 0)) {
    throw errors.ShadowVersionInvalid({}, { detail: `version=${String(version)}` })
  }
  return {
    state: checkState(document),
    ...(version !== undefined ? { version: version as number } : {}),
    ...(clientToken !== undefined ? { clientToken } : {})
  }
}

/** The token of a request that may have no body at all, and none that makes sense. @throws ProviderError */
export function parseClientToken(body: Buffer): string | undefined {
  return body.length === 0 ? undefined : checkClientToken(parseObject(body))
}

/** The token for a refusal: whatever of the request could be read. */
export function findClientToken(body: Buffer): string | undefined {
  try {
    const { clientToken } = JSON.parse(body.toString()) as JsonObject
    return typeof clientToken === 'string' ? clientToken : undefined
  } catch {
    return undefined // then there is none to give back
  }
}

function parseObject(body: Buffer): JsonObject {
  if (!isUtf8(body)) throw errors.ShadowEncodingUnsupported()
  let document: unknown
  try {
    document = JSON.parse(body.toString())
  } catch (error) {
    throw errors.ShadowJsonInvalid({}, { detail: (error as Error).message })
  }
  if (!isObject(document)) throw errors.ShadowJsonInvalid({}, { detail: 'not an object' })
  return document
}

function checkClientToken({ clientToken }: JsonObject): string | undefined {
  if (clientToken === undefined) return undefined
  if (typeof clientToken !== 'string') throw errors.ShadowClientTokenInvalid()
  limits.shadowClientTokenBytes.check(Buffer.byteLength(clientToken))
  return clientToken
}

function checkState(document: JsonObject): UpdateRequest['state'] {
  if (!Object.hasOwn(document, 'state')) throw errors.ShadowStateMissing()
  const { state } = document
  if (state === null) return null
  if (!isObject(state)) throw errors.ShadowStateNotObject()
  for (const key of Object.keys(state)) {
    if (key !== 'desired' && key !== 'reported') throw errors.ShadowNodeInvalid({ key })
  }
  for (const name of SECTIONS) {
    if (!Object.hasOwn(state, name) || state[name] === null) continue
    if (!isObject(state[name])) throw NOT_AN_OBJECT[name]()
    for (const value of Object.values(state[name])) checkNode(value, 1)
  }
  return state as UpdateRequest['state']
}

/** Each key is a level. Goes no deeper than is allowed, so that no nesting is too much for our own stack. */
function checkNode(value: unknown, depth: number): void {
  limits.shadowDepth.check(depth)
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value) && value.includes(null)) {
    throw errors.ShadowJsonInvalid({}, { detail: 'null in an array' })
  }
  for (const inner of Object.values(value)) checkNode(inner, depth + 1)
}
