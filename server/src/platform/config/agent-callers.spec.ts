import { describe, expect, it } from 'vitest'
import { agentCallers, toCallersUnit } from './agent-callers.ts'

describe('the addresses that may reach agents', () => {
  it('the callers of agents are addresses and networks of both families', () => {
    expect(agentCallers.parse(' 10.0.0.5, 192.0.2.0/24,2001:db8::/32,::1 ')).toEqual([
      '10.0.0.5',
      '192.0.2.0/24',
      '2001:db8::/32',
      '::1',
    ])
    expect(agentCallers.parse(undefined)).toEqual([])
  })

  it.each([
    '10.0.0',
    'any',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.1/',
    '10.0.0.1\nExecStartPre=/bin/false',
    '1.2.3.4/8/9',
  ])('callers of agents with %j are refused', (text) => {
    const { error } = agentCallers.safeParse(`10.0.0.1,${text}`)
    expect(error?.issues[0]?.message).toMatch(/^names .* which is not an IP address or a network/s)
  })

  it('become a part of the unit that lets the host itself in too, and nothing where none are given', () => {
    expect(toCallersUnit(['10.0.0.5', 'fd00::/8'])).toContain(
      'IPAddressDeny=any\nIPAddressAllow=localhost\nIPAddressAllow=10.0.0.5\nIPAddressAllow=fd00::/8\n',
    )
    expect(toCallersUnit([])).toBe('')
  })
})
