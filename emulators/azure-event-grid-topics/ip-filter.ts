import { BlockList, isIP, isIPv4 } from 'node:net'
import { SettingsError } from '@fogbank/personality'
import type { ResourceSettings } from './settings.ts'

/** Whether a client's address may publish. */
export type IpFilter = (address: string) => boolean

const MAPPED = /^::ffff:(?=\d+\.)/i

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
  const allowed = new BlockList()
  for (const { ipMask } of inboundIpRules) {
    if (!addMask(allowed, ipMask)) {
      throw new SettingsError(
        `${where}: inboundIpRules: ${ipMask} is no address and no CIDR range such as 10.0.0.0/8`
      )
    }
  }
  return (address) => {
    const plain = address.replace(MAPPED, '')
    return isIP(plain) !== 0 && allowed.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6')
  }
}

function addMask(list: BlockList, mask: string): boolean {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(mask) ?? []
  const version = isIP(address)
  if (version === 0) return false
  const family = version === 4 ? 'ipv4' : 'ipv6'
  const length = bits === undefined ? undefined : Number(bits)
  if (length === undefined) list.addAddress(address, family)
  else if (length > (version === 4 ? 32 : 128)) return false
  else list.addSubnet(address, length, family)
  return true
}
