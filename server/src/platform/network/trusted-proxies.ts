import { AddressRanges, parseRange } from './address-ranges.ts'

const MAX_RANGES = 64
/** A range that is larger holds a good part of the Internet, whose word about addresses is worth nothing. */
const MIN_PREFIX = { ipv4: 8, ipv6: 16 }

/** Reads `ROLLCALL_TRUSTED_PROXIES`. Returns what is wrong as text. Pure. */
export function parseTrustedProxies(text: string): AddressRanges | string {
  const items = text
    .split(/[\s,]+/)
    .map((item) => item.trim())
    .filter(Boolean)
  if (items.length > MAX_RANGES) return `holds more than ${MAX_RANGES} addresses`
  const ranges = []
  for (const item of items) {
    const range = parseRange(item)
    if (!range)
      return `holds "${item.slice(0, 100)}", which is no address; give addresses such as 127.0.0.1 or ranges such as 10.0.0.0/8, separated by commas`
    const isLocal = /^f(?:[cd]|e[89ab])/.test(range.address)
    const min = range.address.includes(':') ? (isLocal ? 7 : MIN_PREFIX.ipv6) : MIN_PREFIX.ipv4
    if (range.prefix < min)
      return `holds ${item}, which is a large part of the Internet: anybody could then say which address they come from; name the proxies' own addresses`
    ranges.push(range)
  }
  return new AddressRanges(ranges)
}
