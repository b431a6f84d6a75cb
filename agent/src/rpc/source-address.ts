import { isIPv4, isIPv6 } from 'node:net'

/** Where a connection comes from: its address, and the network that one party usually has whole (/24, or /64 of IPv6). */
export interface Source {
  address: string
  prefix: string
}

/** Reads the source of a socket's address. An IPv4 address in IPv6 form counts as the IPv4 one. */
export function sourceOf(remoteAddress: string | undefined): Source {
  const given = (remoteAddress ?? '').replace(/%.*$/, '')
  const address = given.replace(/^::ffff:(?=\d+\.)/i, '')
  if (isIPv4(address)) return { address, prefix: `${address.slice(0, address.lastIndexOf('.'))}.0/24` }
  if (isIPv6(address)) return { address, prefix: `${groupsOf(address).slice(0, 4).join(':')}::/64` }
  return { address, prefix: address }
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): string[] {
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  return [...before, ...Array<string>(zeros).fill('0'), ...after].map((group) =>
    Number.parseInt(group, 16).toString(16),
  )
}
