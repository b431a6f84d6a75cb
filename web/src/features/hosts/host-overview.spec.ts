import { expect, it } from 'vitest'
import { portsText } from './host-overview.tsx'

it('a port that is open at several addresses of a host is named once, and beside the same number of another protocol', () => {
  const ports = [
    { protocol: 'tcp', port: 22 },
    { protocol: 'tcp', port: 22 },
    { protocol: 'udp', port: 53 },
    { protocol: 'tcp', port: 53 },
    { protocol: 'udp', port: 53 },
  ]
  expect(portsText(ports)).toBe('22/tcp  53/udp  53/tcp')
})
