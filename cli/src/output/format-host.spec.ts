import { describe, expect, it } from 'vitest'
import { formatAddress, formatClockOffset, formatReason, formatState } from './format-host.ts'

describe('words about a host', () => {
  it('a code is shown where it says more than the state', () => {
    expect(formatState({ state: 'online', stateCode: null })).toBe('online')
    expect(formatState({ state: 'degraded', stateCode: 'host.cpu_high' })).toBe('degraded (host.cpu_high)')
    expect(formatState({ state: 'credentials_refused', stateCode: 'agent.credentials_refused' })).toBe(
      'credentials_refused',
    )
    expect(formatState({ state: 'offline', stateCode: null })).toBe('offline')
  })

  it('a reason carries its code, and a code alone is better than nothing', () => {
    expect(formatReason('Too hot.', 'host.cpu_high')).toBe('Too hot. (host.cpu_high)')
    expect(formatReason('Too hot.', null)).toBe('Too hot.')
    expect(formatReason(null, 'host.cpu_high')).toBe('host.cpu_high')
    expect(formatReason(null, null)).toBeUndefined()
  })

  it.each([
    [0.2, 'exact'],
    [12, '12 ms ahead'],
    [-3450, '3.4 s behind'],
    [-7_500_000, '2 h 5 min behind'],
  ])('a clock that is off by %d ms is %s', (offsetMs, text) => {
    expect(formatClockOffset(offsetMs)).toBe(text)
  })

  it('an address can be told from its port, IPv6 too', () => {
    expect(formatAddress({ address: '2001:db8::1', port: 22 })).toBe('2001:db8::1')
    expect(formatAddress({ address: '2001:db8::1', port: 2222 })).toBe('[2001:db8::1]:2222')
    expect(formatAddress({ address: 'web-1', port: 2222 })).toBe('web-1:2222')
  })
})
