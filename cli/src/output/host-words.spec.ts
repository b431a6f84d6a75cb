import { describe, expect, it } from 'vitest'
import { addressOf, clockWords, reasonWords, stateWords } from './host-words.ts'

describe('words about a host', () => {
  it('a code is shown where it says more than the state', () => {
    expect(stateWords({ state: 'online', stateCode: null })).toBe('online')
    expect(stateWords({ state: 'degraded', stateCode: 'host.cpu_high' })).toBe('degraded (host.cpu_high)')
    expect(stateWords({ state: 'credentials_refused', stateCode: 'agent.credentials_refused' })).toBe(
      'credentials_refused',
    )
    expect(stateWords({ state: 'offline', stateCode: null })).toBe('offline')
  })

  it('a reason carries its code, and a code alone is better than nothing', () => {
    expect(reasonWords('Too hot.', 'host.cpu_high')).toBe('Too hot. (host.cpu_high)')
    expect(reasonWords('Too hot.', null)).toBe('Too hot.')
    expect(reasonWords(null, 'host.cpu_high')).toBe('host.cpu_high')
    expect(reasonWords(null, null)).toBeUndefined()
  })

  it.each([
    [0.2, 'exact'],
    [12, '12 ms ahead'],
    [-3450, '3.4 s behind'],
    [-7_500_000, '2 h 5 min behind'],
  ])('a clock that is off by %d ms is %s', (offsetMs, text) => {
    expect(clockWords(offsetMs)).toBe(text)
  })

  it('an address can be told from its port, IPv6 too', () => {
    expect(addressOf({ address: '2001:db8::1', port: 22 })).toBe('2001:db8::1')
    expect(addressOf({ address: '2001:db8::1', port: 2222 })).toBe('[2001:db8::1]:2222')
    expect(addressOf({ address: 'web-1', port: 2222 })).toBe('web-1:2222')
  })
})
