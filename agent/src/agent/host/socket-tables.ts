/** Parses /proc/net/tcp, tcp6, udp and udp6; pure, so that samples from many kernels can be tested. */
import type { OpenPort } from '@rollcall/contracts/agent'
import { compare } from '../../platform/compare.ts'

const LISTENING = '0A'
/** State of a UDP socket that is bound and not connected. */
const UNCONNECTED = '07'

/** Parses a line of a table. Returns `connected` for a socket that accepts no new peers, null for any other line. */
export function parseOpenPort(protocol: 'tcp' | 'udp', line: string): OpenPort | 'connected' | null {
  const [, address, port, state] =
    /^ *\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /.exec(line) ?? []
  if (address === undefined || port === undefined) return null
  const number = Number.parseInt(port, 16)
  if (state !== (protocol === 'tcp' ? LISTENING : UNCONNECTED) || number === 0) return 'connected'
  return { protocol, address: parseAddress(address), port: number }
}

/** Sorts by port, protocol and address, so that equal ports are reported in equal order. */
export const sortPorts = (ports: OpenPort[]): OpenPort[] =>
  ports.sort((a, b) => a.port - b.port || compare(a.protocol, b.protocol) || compare(a.address, b.address))

/** Parses an address, which the kernel prints as 32-bit words in host byte order (little endian on x86-64 and arm64). */
function parseAddress(hex: string): string {
  const bytes = Buffer.from(hex, 'hex')
  bytes.swap32()
  return bytes.length === 4 ? bytes.join('.') : formatIpv6(bytes)
}

/** Formats an address by RFC 5952: the first of the longest runs of at least two zero groups becomes `::`. */
export function formatIpv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i))
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return `::ffff:${bytes.subarray(12).join('.')}`
  const runs = [
    ...groups
      .map((group) => (group === 0 ? '0' : '1'))
      .join('')
      .matchAll(/00+/g),
  ]
  const longest = runs.reduce<RegExpExecArray | null>(
    (best, run) => (best === null || run[0].length > best[0].length ? run : best),
    null,
  )
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':')
  if (longest === null) return text(groups)
  return `${text(groups.slice(0, longest.index))}::${text(groups.slice(longest.index + longest[0].length))}`
}
