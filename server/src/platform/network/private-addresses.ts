import { AddressRanges, parseRange } from './address-ranges.ts'

const PRIVATE = new AddressRanges(
  [
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '100.64.0.0/10',
    '127.0.0.0/8',
    'fc00::/7',
    'fe80::/10',
    '::1',
  ]
    .map(parseRange)
    .filter((range) => range !== undefined),
)

/** Returns whether an address is one of a private network, or of this machine. Pure. */
export const isPrivateAddress = (address: string): boolean => PRIVATE.has(address)

/**
 * Returns the addresses that somebody at `from` may send us on to: a machine of a public network must not lead us into a private one.
 * Pure.
 */
export const reachableFrom = (from: readonly string[], to: readonly string[]): string[] =>
  from.some(isPrivateAddress) ? [...to] : to.filter((address) => !isPrivateAddress(address))
