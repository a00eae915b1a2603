import { errors } from './errors.ts'
import { limits } from './limits.ts'

const HUB = /^[A-Za-z][A-Za-z0-9_`,.[\]]*$/

export const isHubName = (name: string): boolean =>
  HUB.test(name) && name.length <= limits.hubCharacters.value

/** Folds a hub name as the service matches it. @throws ProviderError HubNameInvalid */
export function toHubName(name: string): string {
  limits.hubCharacters.check(name.length)
  if (!HUB.test(name)) throw errors.HubNameInvalid({}, { detail: `hub=${name.slice(0, 200)}` })
  return name.toLowerCase()
}

/** 1 to 1024 characters, not all of them white space. */
export function isGroupName(name: unknown): boolean {
  return (
    typeof name === 'string' && name.trim() !== '' && name.length <= limits.groupCharacters.value
  )
}

/** @throws ProviderError GroupNameInvalid */
export function checkGroupName(name: string): void {
  limits.groupCharacters.check(name.length)
  if (!isGroupName(name)) throw errors.GroupNameInvalid({}, { detail: 'blank' })
}
