import { readSync } from 'node:fs'
import { MAX_OPEN_PORTS, type OpenPort } from '@rollcall/contracts/agent'
import { closing, openIfThere } from '../../platform/files.ts'
import { parseOpenPort, sortPorts } from './socket-tables.ts'

/** Maximum bytes read of a table: some 7,000 sockets. */
const MAX_TABLE_BYTES = 1024 * 1024
// The kernel returns whole lines, about a page at a time.
const CHUNK = Buffer.allocUnsafeSlow(64 * 1024)

const TABLES = [
  { file: 'tcp', protocol: 'tcp' },
  { file: 'tcp6', protocol: 'tcp' },
  { file: 'udp', protocol: 'udp' },
  { file: 'udp6', protocol: 'udp' },
] as const

interface OpenPorts {
  ports: OpenPort[]
  isTruncated: boolean
}

/** Lists the open ports of the host's network, sorted. The cost grows with open ports, not with connections. */
export function readOpenPorts(folder = '/proc/self/net'): OpenPorts {
  const found = new Map<string, OpenPort>()
  let isTruncated = false
  for (const { file, protocol } of TABLES) {
    const isWhole = readTable(`${folder}/${file}`, (line) => {
      const port = parseOpenPort(protocol, line)
      // Several processes may share a port.
      if (port !== 'connected' && port !== null) found.set(`${protocol} ${port.address} ${port.port}`, port)
      // The kernel lists listening sockets before connected ones, of which a host may have a million.
      return protocol === 'udp' || port !== 'connected'
    })
    if (!isWhole) isTruncated = true
  }
  const ports = sortPorts([...found.values()])
  return {
    ports: ports.slice(0, MAX_OPEN_PORTS),
    isTruncated: isTruncated || ports.length > MAX_OPEN_PORTS,
  }
}

/** Passes lines to `onLine` until it returns false. Returns false if the table exceeds the maximum. */
function readTable(path: string, onLine: (line: string) => boolean): boolean {
  // A kernel without IPv6 lacks its tables.
  const fd = openIfThere(path)
  if (fd === null) return true
  using _fd = closing(fd)
  let rest = ''
  for (let read = 0; read < MAX_TABLE_BYTES; ) {
    const size = readSync(fd, CHUNK)
    if (size === 0) return true
    read += size
    const lines = (rest + CHUNK.toString('latin1', 0, size)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (!onLine(line)) return true
  }
  return false
}
