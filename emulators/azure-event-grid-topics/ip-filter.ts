import { compileAddressRanges } from '@fogbank/personality'
import type { ResourceSettings } from './settings.ts'

/** Whether a client's address may publish. */
export type IpFilter = (address: string) => boolean

/**
 * Compiles `publicNetworkAccess` and `inboundIpRules`; without rules everybody comes in.
 *
 * @throws SettingsError naming a mask that is no address and no CIDR range
 */
export function createIpFilter(
  where: string,
  { publicNetworkAccess, inboundIpRules = [] }: ResourceSettings
): IpFilter {
  if (publicNetworkAccess === 'Disabled') return () => false
  if (inboundIpRules.length === 0) return () => true
  const masks = inboundIpRules.map(({ ipMask }) => ipMask)
  return compileAddressRanges(`${where}: inboundIpRules`, masks)
}
