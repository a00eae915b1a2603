import { BlockList, isIP, isIPv4 } from 'node:net'
import { SettingsError } from './context.ts'

/** An IPv4 address as a socket for both families has it. */
const MAPPED = /^::ffff:(?=\d+\.)/i

/**
 * Compiles addresses and CIDR ranges into a question: is this address one of them, or in one of them?
 *
 * `place` is where they stand, for the sentence.
 * @throws SettingsError naming one that is neither
 */
export function compileAddressRanges(
  place: string,
  masks: readonly string[]
): (address: string) => boolean {
  const list = new BlockList()
  for (const mask of masks) {
    if (!addMask(list, mask)) {
      throw new SettingsError(
        `${place}: ${mask} is no address and no CIDR range such as 10.0.0.0/8`
      )
    }
  }
  return (address) => {
    const plain = address.replace(MAPPED, '')
    return isIP(plain) !== 0 && list.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6')
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
