import { AddressRanges, parseRange } from './address-ranges.ts'

const MAX_RANGES = 64
/** The minimum prefix length; a larger range covers much of the Internet and cannot be trusted. */
const MIN_PREFIX = { ipv4: 8, ipv6: 16 }

/** Parses `ROLLCALL_TRUSTED_PROXIES`. Returns an error text if it is invalid. Pure. */
export function parseTrustedProxies(text: string): AddressRanges | string {
  const items = text.split(/[\s,]+/).filter(Boolean)
  if (items.length > MAX_RANGES) return `holds more than ${MAX_RANGES} addresses`
  const ranges = []
  for (const item of items) {
    const range = parseRange(item)
    if (!range)
      return `holds "${item.slice(0, 100)}", which is not an address; use addresses such as 127.0.0.1 or ranges such as 10.0.0.0/8, separated by commas`
    const isLocal = /^f(?:[cd]|e[89ab])/.test(range.address)
    const min = range.address.includes(':') ? (isLocal ? 7 : MIN_PREFIX.ipv6) : MIN_PREFIX.ipv4
    if (range.prefix < min)
      return `holds ${item}, which covers a large part of the Internet, so that anyone could forge their address; use the addresses of the proxies`
    ranges.push(range)
  }
  return new AddressRanges(ranges)
}
