import { compileAddressRanges } from '@fogbank/personality'
import { errors } from './errors.ts'
import type { NamespaceSettings } from './settings.ts'

/** Lets the callers of some addresses in and refuses all others. @throws ProviderError */
export type IpFilter = (address: string) => void

/**
 * Compiles `publicNetworkAccess` and `inboundIpRules`; without rules everybody comes in.
 *
 * Private links, the way in that is left where public access is disabled, are not here.
 * @throws SettingsError naming a mask that is no address and no CIDR range
 */
export function createIpFilter({
  publicNetworkAccess,
  inboundIpRules = []
}: NamespaceSettings): IpFilter {
  const masks = inboundIpRules.map(({ ipMask }) => ipMask)
  const isListed = compileAddressRanges('inboundIpRules', masks)
  const isOpen = publicNetworkAccess !== 'Disabled'
  return (address) => {
    if (isOpen && (masks.length === 0 || isListed(address))) return
    throw errors.IpForbidden({ address })
  }
}
