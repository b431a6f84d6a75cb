import type { Source } from './source-address.ts'

/** Bounds for connections that have not proven a pinned key. */
export interface AdmissionBounds {
  /** Open connections in all, trusted ones included. */
  connections: number
  /** Of strangers at once. */
  perAddress: number
  perPrefix: number
  /** New ones a second, and how many more may come at once. */
  addressRate: { perSecond: number; burst: number }
  prefixRate: { perSecond: number; burst: number }
}

export const boundsFor = (connections: number): AdmissionBounds => ({
  connections,
  perAddress: Math.max(4, Math.floor(connections / 8)),
  perPrefix: Math.max(8, Math.floor(connections / 4)),
  addressRate: { perSecond: 20, burst: 60 },
  prefixRate: { perSecond: 60, burst: 180 },
})

/** A connection of a stranger. */
export interface Stranger extends Source {
  /** Grows with each connection. */
  order: number
}

export type Admission = { kind: 'admitted'; displaced: Stranger | null } | { kind: 'refused' }

/** Sources of which is remembered how often they came, and those that have proven a key. */
const MAX_REMEMBERED = 4096
const MAX_KNOWN = 64

/**
 * Decides who may connect. A new connection displaces the oldest stranger of the address that has most, in the prefix that has most: so
 * one source, however fast, competes with itself alone. Addresses that have proven a pinned key are not slowed down and displaced last.
 */
export class Admissions {
  readonly #bounds: AdmissionBounds
  readonly #strangers = new Set<Stranger>()
  readonly #addresses = new Map<string, Set<Stranger>>()
  readonly #prefixes = new Map<string, number>()
  readonly #rates = { address: new Buckets(), prefix: new Buckets() }
  readonly #known = new Set<string>()
  #trusted = 0
  #order = 0

  constructor(bounds: AdmissionBounds) {
    this.#bounds = bounds
  }

  /** The stranger that is let in, and with it whom to close; refused where there is no room or it comes too often. */
  admit(source: Source, nowMs: number): { admission: Admission; stranger: Stranger | null } {
    const displaced = this.#decide(source, nowMs)
    if (displaced === 'refused') return { admission: { kind: 'refused' }, stranger: null }
    if (displaced !== null) this.leave(displaced)
    const stranger = { ...source, order: this.#order++ }
    this.#strangers.add(stranger)
    const same = this.#addresses.get(source.address) ?? new Set()
    this.#addresses.set(source.address, same.add(stranger))
    this.#prefixes.set(source.prefix, (this.#prefixes.get(source.prefix) ?? 0) + 1)
    return { admission: { kind: 'admitted', displaced }, stranger }
  }

  /** It has proven a pinned key: from now on it counts as nobody's stranger. */
  trust(stranger: Stranger): void {
    if (!this.leave(stranger)) return
    this.#trusted++
    this.#known.delete(stranger.address)
    this.#known.add(stranger.address)
    if (this.#known.size > MAX_KNOWN) for (const oldest of this.#known) return void this.#known.delete(oldest)
  }

  /** A trusted connection has closed. */
  leaveTrusted(): void {
    this.#trusted--
  }

  /** A stranger's connection has closed; `false` when it was none any more. */
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
    const { addressRate, prefixRate, perAddress, perPrefix, connections } = this.#bounds
    const isKnown = this.#known.has(address)
    if (!isKnown) {
      // Both are asked: what one address does beyond its own rate does not use up its network's.
      if (!this.#rates.address.take(address, addressRate, nowMs)) return 'refused'
      if (!this.#rates.prefix.take(prefix, prefixRate, nowMs)) return 'refused'
    }
    const own = this.#addresses.get(address)
    if (own !== undefined && own.size >= (isKnown ? perPrefix : perAddress)) return oldestOf(own)
    if ((this.#prefixes.get(prefix) ?? 0) >= perPrefix)
      return this.#oldestOfLargest((stranger) => stranger.prefix === prefix)
    if (this.#strangers.size + this.#trusted < connections) return null
    return this.#toDisplace() ?? 'refused'
  }

  #toDisplace(): Stranger | null {
    const sizes = new Map<string, number>()
    for (const [address, strangers] of this.#addresses) {
      const prefix = oldestOf(strangers)?.prefix ?? ''
      sizes.set(prefix, (sizes.get(prefix) ?? 0) + (this.#known.has(address) ? 0 : strangers.size))
    }
    const largest = Math.max(...sizes.values())
    return this.#oldestOfLargest(({ prefix }) => sizes.get(prefix) === largest)
  }

  /** The oldest of the address with most strangers, of those for which `isIn`; of a known address only where there is no other. */
  #oldestOfLargest(isIn: (stranger: Stranger) => boolean): Stranger | null {
    let found: Stranger | null = null
    let rank = -1
    for (const [address, strangers] of this.#addresses) {
      const oldest = oldestOf(strangers)
      if (oldest === null || !isIn(oldest)) continue
      const own = this.#known.has(address) ? 0 : strangers.size
      const isOlder = own === rank && found !== null && oldest.order < found.order
      if (own > rank || isOlder) [found, rank] = [oldest, own]
    }
    return found
  }
}

const oldestOf = (strangers: ReadonlySet<Stranger>): Stranger | null => {
  for (const stranger of strangers) return stranger
  return null
}

/** Token buckets by name; of too many the one that was used longest ago is forgotten. */
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
