import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { RollcallError } from '@rollcall/contracts'
import { AddressRanges, parseRange, plainAddress } from './address-ranges.ts'

/** Resolves a host name or address like the system. */
export type Resolve = (host: string) => Promise<Pick<LookupAddress, 'address'>[]>

const toRanges = (...texts: string[]) =>
  new AddressRanges(texts.map(parseRange).filter((range) => range !== undefined))

const NONE = new AddressRanges([])

/**
 * Addresses that no user means by a host: the server itself, cloud metadata services and addresses of no single
 * machine.
 */
const REFUSED: readonly (readonly [what: string, ranges: AddressRanges])[] = [
  ['the server itself (loopback)', toRanges('127.0.0.0/8', '0.0.0.0/8', '::1', '::')],
  // Those of AWS, Google, Azure, Alibaba, Oracle and most others.
  [
    "a cloud's metadata service",
    toRanges(
      '169.254.169.254',
      '169.254.170.2',
      'fd00:ec2::254',
      'fd00:ec2::23',
      'fd20:ce::254',
      '100.100.100.200',
      '168.63.129.16',
      '192.0.0.192',
    ),
  ],
  ['a link-local address', toRanges('169.254.0.0/16', 'fe80::/10', 'fec0::/10')],
  ['no single machine (multicast or reserved)', toRanges('224.0.0.0/4', '240.0.0.0/4', 'ff00::/8')],
]

/** Extracts the IPv4 address that a gateway may derive from an IPv6 address: NAT64, 6to4 and IPv4-compatible. */
function embeddedIpv4(address: string): string | undefined {
  const short = isIPv6(address) ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : ''
  const found =
    /^64:ff9b::(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})$/.exec(short) ??
    /^::(?:([0-9a-f]{1,4}):)([0-9a-f]{1,4})$/.exec(short) ??
    /^2002:([0-9a-f]{1,4}):([0-9a-f]{1,4}):/.exec(short)
  return found ? plainAddress(`::ffff:${found[1] ?? '0'}:${found[2]}`) : undefined
}

/** Returns why the server must not connect to an address for a user; null if it may. Pure. */
export function findRefusal(address: string, allowed: AddressRanges): string | null {
  const plain = plainAddress(address)
  if (plain === undefined) return 'no address'
  if (allowed.has(plain)) return null
  const embedded = embeddedIpv4(plain)
  const [what] = REFUSED.find(([, ranges]) => ranges.has(plain) || (embedded && ranges.has(embedded))) ?? []
  return what ?? null
}

/** Decides which addresses the server may connect to for a user. */
export class OutgoingAddresses {
  readonly #allowed: () => AddressRanges
  readonly #resolve: Resolve

  /** `allowed` returns the operator's exceptions and is called each time. */
  constructor(
    allowed: () => AddressRanges = () => NONE,
    resolve: Resolve = (host) => lookup(host, { all: true }),
  ) {
    this.#allowed = allowed
    this.#resolve = resolve
  }

  /**
   * Resolves a host once; the caller connects only to the results, since a second lookup may differ. Returns at least
   * one address. Throws `host.address_refused`, or what the resolver threw.
   */
  async resolve(host: string): Promise<string[]> {
    const bare = host.replace(/^\[|\]$/g, '')
    // Numbers such as 2130706433 and 0177.1 are names here, which the system resolves to 127.0.0.1.
    const found = isIP(bare) > 0 ? [bare] : (await this.#resolve(bare)).map(({ address }) => address)
    const judged = found.map((address) => ({ address, why: findRefusal(address, this.#allowed()) }))
    const good = judged.filter(({ why }) => why === null).map(({ address }) => address)
    const [refused] = judged
    if (good.length > 0 || !refused) return good
    const is = refused.address === bare ? bare : `${bare} is ${refused.address}, which`
    throw new RollcallError(
      'host.address_refused',
      `${is} is ${refused.why}: the server does not connect to it for users. Use the address of the host in its network, or have the operator allow it with ROLLCALL_ALLOWED_ADDRESSES=${refused.address.split('%')[0]}.`,
      { fields: [{ field: 'address', message: `is ${refused.why}` }] },
    )
  }
}
