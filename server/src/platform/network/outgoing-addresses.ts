import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { RollcallError } from '@rollcall/contracts'
import { AddressRanges, parseRange, plainAddress } from './address-ranges.ts'

/** Resolves a name or a number, as the system does. */
export type Resolve = (host: string) => Promise<Pick<LookupAddress, 'address'>[]>

const toRanges = (...texts: string[]) =>
  new AddressRanges(texts.map(parseRange).filter((range) => range !== undefined))

const NONE = new AddressRanges([])

/** Where nobody means to go who names a host: the server itself, its cloud's metadata, and what is no single machine. */
const REFUSED: readonly (readonly [what: string, ranges: AddressRanges])[] = [
  ['the server itself (loopback)', toRanges('127.0.0.0/8', '0.0.0.0/8', '::1', '::')],
  // Of AWS, Google, Azure, Alibaba, Oracle and most others.
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

/** IPv6 that stands for IPv4, which a gateway on the way may make of it: NAT64, 6to4 and IPv4-compatible. */
function embeddedIpv4(address: string): string | undefined {
  const short = isIPv6(address) ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : ''
  const found =
    /^64:ff9b::(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})$/.exec(short) ??
    /^::(?:([0-9a-f]{1,4}):)([0-9a-f]{1,4})$/.exec(short) ??
    /^2002:([0-9a-f]{1,4}):([0-9a-f]{1,4}):/.exec(short)
  return found ? plainAddress(`::ffff:${found[1] ?? '0'}:${found[2]}`) : undefined
}

/** Says why a server should not connect to an address for a user; null for no reason. Pure. */
export function refusalOf(address: string, allowed: AddressRanges): string | null {
  const plain = plainAddress(address)
  if (plain === undefined) return 'no address'
  if (allowed.has(plain)) return null
  const embedded = embeddedIpv4(plain)
  const [what] = REFUSED.find(([, ranges]) => ranges.has(plain) || (embedded && ranges.has(embedded))) ?? []
  return what ?? null
}

/** Decides which addresses the server connects to where a user has named the host. */
export class OutgoingAddresses {
  readonly #allowed: () => AddressRanges
  readonly #resolve: Resolve

  /** `allowed` are addresses that the operator allows besides; asked each time. */
  constructor(
    allowed: () => AddressRanges = () => NONE,
    resolve: Resolve = (host) => lookup(host, { all: true }),
  ) {
    this.#allowed = allowed
    this.#resolve = resolve
  }

  /**
   * Resolves a host once, for a connection to what this returns and nothing else: whoever resolves it again may get another answer.
   * Returns at least one address. Throws `host.address_refused`, or what the resolver threw.
   */
  async of(host: string): Promise<string[]> {
    const bare = host.replace(/^\[|\]$/g, '')
    // Numbers such as 2130706433 and 0177.1 are names here, which the system makes 127.0.0.1 of.
    const found = isIP(bare) > 0 ? [bare] : (await this.#resolve(bare)).map(({ address }) => address)
    const judged = found.map((address) => ({ address, why: refusalOf(address, this.#allowed()) }))
    const good = judged.filter(({ why }) => why === null).map(({ address }) => address)
    const [refused] = judged
    if (good.length > 0 || !refused) return good
    const is = refused.address === bare ? bare : `${bare} is ${refused.address}, which`
    throw new RollcallError(
      'host.address_refused',
      `${is} is ${refused.why}: the server does not connect there for a user. Give the address under which the host is reached in its network, or have the operator allow this one with ROLLCALL_ALLOWED_ADDRESSES=${refused.address.split('%')[0]}.`,
      { fields: [{ field: 'address', message: `is ${refused.why}` }] },
    )
  }
}
