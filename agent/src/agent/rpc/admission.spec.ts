import { describe, expect, test } from 'vitest'
import { Admissions, type Stranger, toLimits, toSource } from './admission.ts'

const FREE = { perSecond: 1e9, burst: 1e9 }
const make = (more: Partial<ReturnType<typeof toLimits>> = {}) =>
  new Admissions({
    connections: 8,
    perAddress: 4,
    perPrefix: 6,
    addressRate: FREE,
    prefixRate: FREE,
    ...more,
  })
const from = (address: string) => toSource(address)
const enter = (admissions: Admissions, address: string, nowMs = 0): Stranger | null =>
  admissions.admit(from(address), nowMs).stranger
const displacedBy = (admissions: Admissions, address: string): Stranger | null => {
  const { admission } = admissions.admit(from(address), 0)
  return admission.kind === 'admitted' ? admission.displaced : null
}

describe('limits for strangers', () => {
  test('an address beyond its limit displaces its own oldest connection only', () => {
    const admissions = make()
    const server = enter(admissions, '10.0.0.9')
    const own = [1, 2, 3, 4].map(() => enter(admissions, '10.0.0.1'))
    expect(displacedBy(admissions, '10.0.0.1')).toBe(own[0])
    for (let i = 0; i < 1000; i++) expect(displacedBy(admissions, '10.0.0.1')).not.toBe(server)
  })

  test('a network beyond its limit displaces the oldest connection of its largest address', () => {
    const admissions = make()
    const other = enter(admissions, '192.0.2.1')
    const most = [1, 2, 3].map(() => enter(admissions, '10.0.0.1'))
    for (const last of [2, 3, 4]) enter(admissions, `10.0.0.${last}`)
    const displaced = displacedBy(admissions, '10.0.0.5')
    expect(displaced).toBe(most[0])
    expect(displaced).not.toBe(other)
  })

  test('at the total limit the oldest connection of the largest network is displaced', () => {
    const admissions = make({ connections: 6 })
    const server = enter(admissions, '192.0.2.1')
    const most = [1, 2, 3].map((last) => enter(admissions, `10.0.0.${last}`))
    for (const net of [1, 2]) enter(admissions, `10.0.${net}.1`)
    expect(displacedBy(admissions, '10.0.9.1')).toBe(most[0])
    expect(admissions.leave(server as Stranger)).toBe(true)
  })

  test('an address beyond its rate is refused, and admitted again as time passes', () => {
    const admissions = make({ addressRate: { perSecond: 10, burst: 2 } })
    expect([0, 0, 0].map((ms) => enter(admissions, '10.0.0.1', ms) !== null)).toEqual([true, true, false])
    expect(enter(admissions, '10.0.0.2', 0)).not.toBeNull()
    expect(enter(admissions, '10.0.0.1', 100)).not.toBeNull()
    expect(enter(admissions, '10.0.0.1', 101)).toBeNull()
  })

  test('an address beyond its own rate does not use up the rate of its network', () => {
    const rates = { addressRate: { perSecond: 1, burst: 3 }, prefixRate: { perSecond: 1, burst: 4 } }
    const admissions = make(rates)
    for (let i = 0; i < 100; i++) enter(admissions, '10.0.0.1')
    expect(enter(admissions, '10.0.0.2')).not.toBeNull()
    expect(enter(admissions, '10.0.0.3')).toBeNull()
  })
})

describe('an address that has proven a key', () => {
  test('a trusted address is not rate-limited, and displaced last', () => {
    const admissions = make({ connections: 4, addressRate: { perSecond: 0, burst: 1 } })
    const first = enter(admissions, '10.0.0.9') as Stranger
    admissions.trust(first)
    const again = enter(admissions, '10.0.0.9')
    expect(again).not.toBeNull()
    const others = ['10.0.1.1', '10.0.2.1'].map((address) => enter(admissions, address))
    expect(others).not.toContain(null)
    expect(displacedBy(admissions, '10.0.3.1')).not.toBe(again)
  })

  test('a trusted connection frees its place when it closes', () => {
    const admissions = make({ connections: 1 })
    admissions.trust(enter(admissions, '10.0.0.9') as Stranger)
    expect(enter(admissions, '10.0.0.1')).toBeNull()
    admissions.leaveTrusted()
    expect(enter(admissions, '10.0.0.1')).not.toBeNull()
  })
})

test('no sequence of connections exceeds the limit of open ones', () => {
  const admissions = make({ connections: 5 })
  const open = new Set<Stranger>()
  let seed = 3
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor(seed / 7) % below
  }
  for (let i = 0; i < 5000; i++) {
    if (random(3) === 0 && open.size > 0) {
      const [one] = open as unknown as [Stranger]
      open.delete(one)
      admissions.leave(one)
      continue
    }
    const { admission, stranger } = admissions.admit(from(`10.0.${random(4)}.${random(4)}`), i)
    if (stranger === null) continue
    if (admission.kind === 'admitted' && admission.displaced !== null)
      expect(open.delete(admission.displaced)).toBe(true)
    open.add(stranger)
    expect(open.size).toBeLessThanOrEqual(5)
  }
})

test.each([
  ['::ffff:192.0.2.77', '192.0.2.77', '192.0.2.0/24'],
  ['192.0.2.77', '192.0.2.77', '192.0.2.0/24'],
  ['2001:db8:0:1::5', '2001:db8:0:1::5', '2001:db8:0:1::/64'],
  ['2001:DB8::1', '2001:DB8::1', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80::1', 'fe80:0:0:0::/64'],
  ['::1', '::1', '0:0:0:0::/64'],
])('the source of %s is the address %s in the network %s', (given, address, prefix) => {
  expect(toSource(given)).toEqual({ address, prefix })
})
