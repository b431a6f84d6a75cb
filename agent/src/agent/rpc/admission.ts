import { isIPv4, isIPv6 } from 'node:net'

/** The source of a connection: its address, and the network that usually belongs to one party (/24, or /64 of IPv6). */
export interface Source {
  address: string
  prefix: string
}

/** Parses a socket's address. An IPv4 address in IPv6 form counts as IPv4. */
export function toSource(remoteAddress: string | undefined): Source {
  const plain = (remoteAddress ?? '').replace(/%.*$/, '')
  const address = plain.replace(/^::ffff:(?=\d+\.)/i, '')
  if (isIPv4(address)) return { address, prefix: `${address.slice(0, address.lastIndexOf('.'))}.0/24` }
  if (isIPv6(address)) return { address, prefix: `${toGroups(address).slice(0, 4).join(':')}::/64` }
  return { address, prefix: address }
}

/** Expands the eight groups of an IPv6 address. */
function toGroups(address: string): string[] {
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  return [...before, ...Array<string>(zeros).fill('0'), ...after].map((group) =>
    Number.parseInt(group, 16).toString(16),
  )
}

/** Limits for connections that have not proven a pinned key. */
export interface AdmissionLimits {
  /** Open connections in all, including trusted ones. */
  connections: number
  /** Open connections of strangers. */
  perAddress: number
  perPrefix: number
  /** New connections a second, and how many may arrive at once. */
  addressRate: { perSecond: number; burst: number }
  prefixRate: { perSecond: number; burst: number }
}

export const toLimits = (connections: number): AdmissionLimits => ({
  connections,
  perAddress: Math.max(4, Math.floor(connections / 8)),
  perPrefix: Math.max(8, Math.floor(connections / 4)),
  addressRate: { perSecond: 20, burst: 60 },
  prefixRate: { perSecond: 60, burst: 180 },
})

/** A connection that has not proven a pinned key. */
export interface Stranger extends Source {
  /** Increases with each connection. */
  sequence: number
}

export type Admission = { kind: 'admitted'; displaced: Stranger | null } | { kind: 'refused' }

/** Maximum sources whose rate is remembered, and addresses that have proven a key. */
const MAX_REMEMBERED = 4096
const MAX_KNOWN = 64

/**
 * Decides who may connect. A new connection displaces the oldest stranger of the largest address in the largest prefix, so a source
 * competes only with itself. Addresses that have proven a key are not rate-limited, and displaced last.
 */
export class Admissions {
  readonly #strangers = new Set<Stranger>()
  readonly #addresses = new Map<string, Set<Stranger>>()
  readonly #prefixes = new Map<string, number>()
  readonly #rates = { address: new Buckets(), prefix: new Buckets() }
  readonly #known = new Set<string>()
  #trusted = 0
  #sequence = 0

  constructor(private readonly limits: AdmissionLimits) {}

  /** Admits a connection. Returns the new stranger and the one to close, or a refusal if there is no room or the rate is exceeded. */
  admit(source: Source, nowMs: number): { admission: Admission; stranger: Stranger | null } {
    const displaced = this.#decide(source, nowMs)
    if (displaced === 'refused') return { admission: { kind: 'refused' }, stranger: null }
    if (displaced !== null) this.leave(displaced)
    const stranger = { ...source, sequence: this.#sequence++ }
    this.#strangers.add(stranger)
    const same = this.#addresses.get(source.address) ?? new Set()
    this.#addresses.set(source.address, same.add(stranger))
    this.#prefixes.set(source.prefix, (this.#prefixes.get(source.prefix) ?? 0) + 1)
    return { admission: { kind: 'admitted', displaced }, stranger }
  }

  /** Marks a stranger as trusted: it has proven a pinned key. */
  trust(stranger: Stranger): void {
    if (!this.leave(stranger)) return
    this.#trusted++
    this.#known.delete(stranger.address)
    this.#known.add(stranger.address)
    if (this.#known.size > MAX_KNOWN) for (const oldest of this.#known) return void this.#known.delete(oldest)
  }

  /** Removes a trusted connection that has closed. */
  leaveTrusted(): void {
    this.#trusted--
  }

  /** Removes a stranger whose connection has closed. Returns false if it was trusted or removed already. */
  leave(stranger: Stranger): boolean {
    if (!this.#strangers.delete(stranger)) return false
    const same = this.#addresses.get(stranger.address)
    same?.delete(stranger)
    if (same?.size === 0) this.#addresses.delete(stranger.address)
    const left = (this.#prefixes.get(stranger.prefix) ?? 1) - 1
    if (left === 0) this.#prefixes.delete(stranger.prefix)
    else this.#prefixes.set(stranger.prefix, left)
    return true
  }

  #decide({ address, prefix }: Source, nowMs: number): Stranger | null | 'refused' {
    const { addressRate, prefixRate, perAddress, perPrefix, connections } = this.limits
    const isKnown = this.#known.has(address)
    if (!isKnown) {
      // Both are charged: an address beyond its own rate does not use up its network's.
      if (!this.#rates.address.take(address, addressRate, nowMs)) return 'refused'
      if (!this.#rates.prefix.take(prefix, prefixRate, nowMs)) return 'refused'
    }
    const own = this.#addresses.get(address)
    if (own !== undefined && own.size >= (isKnown ? perPrefix : perAddress)) return findOldest(own)
    if ((this.#prefixes.get(prefix) ?? 0) >= perPrefix)
      return this.#oldestOfLargest((stranger) => stranger.prefix === prefix)
    if (this.#strangers.size + this.#trusted < connections) return null
    return this.#toDisplace() ?? 'refused'
  }

  #toDisplace(): Stranger | null {
    const sizes = new Map<string, number>()
    for (const [address, strangers] of this.#addresses) {
      const prefix = findOldest(strangers)?.prefix ?? ''
      sizes.set(prefix, (sizes.get(prefix) ?? 0) + (this.#known.has(address) ? 0 : strangers.size))
    }
    const largest = Math.max(...sizes.values())
    return this.#oldestOfLargest(({ prefix }) => sizes.get(prefix) === largest)
  }

  /** Returns the oldest stranger of the largest address among those that `isIn` accepts, preferring unknown addresses. */
  #oldestOfLargest(isIn: (stranger: Stranger) => boolean): Stranger | null {
    let found: Stranger | null = null
    let rank = -1
    for (const [address, strangers] of this.#addresses) {
      const oldest = findOldest(strangers)
      if (oldest === null || !isIn(oldest)) continue
      const own = this.#known.has(address) ? 0 : strangers.size
      const isOlder = own === rank && found !== null && oldest.sequence < found.sequence
      if (own > rank || isOlder) [found, rank] = [oldest, own]
    }
    return found
  }
}

const findOldest = (strangers: ReadonlySet<Stranger>): Stranger | null => {
  for (const stranger of strangers) return stranger
  return null
}

/** Token buckets by name. Beyond the maximum, the least recently used one is dropped. */
class Buckets {
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>()

  take(name: string, rate: { perSecond: number; burst: number }, nowMs: number): boolean {
    const last = this.#buckets.get(name) ?? { tokens: rate.burst, atMs: nowMs }
    const earned = (Math.max(0, nowMs - last.atMs) / 1000) * rate.perSecond
    const tokens = Math.min(rate.burst, last.tokens + earned)
    const isGranted = tokens >= 1
    this.#buckets.delete(name)
    this.#buckets.set(name, { tokens: isGranted ? tokens - 1 : tokens, atMs: nowMs })
    if (this.#buckets.size > MAX_REMEMBERED)
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest)
        break
      }
    return isGranted
  }
}
