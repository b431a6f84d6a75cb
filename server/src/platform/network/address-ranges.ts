import { BlockList, isIP, isIPv4 } from 'node:net'

const MAPPED = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i
const MAPPED_HEX = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i

/**
 * Normalises an address: IPv4-mapped IPv6 as IPv4, no zone, no brackets. Returns undefined if it is not an address.
 * Pure.
 */
export function plainAddress(text: string): string | undefined {
  const bare =
    text
      .trim()
      .replace(/^\[|\]$/g, '')
      .split('%')[0] ?? ''
  if (isIPv4(bare)) return bare
  if (isIP(bare) === 0) return undefined
  // URL writes the shortest form, with the longest run of zeros omitted.
  const short = new URL(`http://[${bare}]/`).hostname.slice(1, -1)
  const mapped = MAPPED.exec(short)?.[1]
  if (mapped) return mapped
  const [, high, low] = MAPPED_HEX.exec(short) ?? []
  if (high === undefined || low === undefined) return short
  const bits = Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16)
  return [24, 16, 8, 0].map((shift) => Math.floor(bits / 2 ** shift) % 256).join('.')
}

export interface AddressRange {
  address: string
  prefix: number
}

/** Parses `192.0.2.7`, `10.0.0.0/8` or `fd00::/8`. Returns undefined for anything else, including names. Pure. */
export function parseRange(text: string): AddressRange | undefined {
  const [address = '', prefixText, ...rest] = text.trim().split('/')
  const plain = plainAddress(address)
  if (plain === undefined || rest.length > 0) return undefined
  const isMapped = isIPv4(plain) && !isIPv4(address)
  const bits = isIPv4(plain) ? 32 : 128
  if (prefixText === undefined) return { address: plain, prefix: bits }
  if (!/^\d{1,3}$/.test(prefixText)) return undefined
  const prefix = Number(prefixText) - (isMapped ? 96 : 0)
  return prefix >= 0 && prefix <= bits ? { address: plain, prefix } : undefined
}

/** A set of addresses, IPv4 and IPv6. */
export class AddressRanges {
  private readonly list = new BlockList()
  readonly isEmpty: boolean

  constructor(ranges: readonly AddressRange[]) {
    this.isEmpty = ranges.length === 0
    for (const { address, prefix } of ranges)
      this.list.addSubnet(address, prefix, isIPv4(address) ? 'ipv4' : 'ipv6')
  }

  /** Returns whether the address is in the set; false if it is not an address. */
  has(address: string): boolean {
    const plain = plainAddress(address)
    return plain !== undefined && this.list.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6')
  }
}
