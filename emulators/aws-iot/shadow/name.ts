import { errors } from '../errors.ts'
import type { ShadowId } from './store.ts'

const THING_NAME = /^[a-zA-Z0-9:_-]{1,128}$/
const SHADOW_NAME = /^[$a-zA-Z0-9:_-]{1,64}$/

/** @throws ProviderError ThingNameInvalid */
export function checkThingName(thing: string): void {
  if (!THING_NAME.test(thing)) throw errors.ThingNameInvalid({}, { detail: `thingName=${thing}` })
}

/** @throws ProviderError ThingNameInvalid, ShadowNameInvalid */
export function checkShadowId({ thing, name }: ShadowId): void {
  checkThingName(thing)
  if (name === undefined || SHADOW_NAME.test(name)) return
  throw errors.ShadowNameInvalid({}, { detail: `shadowName=${name}` })
}
