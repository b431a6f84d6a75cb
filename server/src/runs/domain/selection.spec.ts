import { describe, expect, it } from 'vitest'
import { type Candidate, select, toPreview } from './selection.ts'

const host = (name: string, labels: Record<string, string>, more: Partial<Candidate> = {}): Candidate => ({
  id: name,
  name,
  labels,
  state: 'online',
  isInstalled: true,
  ...more,
})

const FLEET = [
  host('a', { env: 'prod', zone: 'x' }),
  host('b', { env: 'prod', zone: 'y' }),
  host('c', { env: 'test' }),
  host('d', {}),
]
const names = (...labels: string[]) =>
  select(FLEET, { labels })
    .chosen.map(({ name }) => name)
    .join('')

describe('select', () => {
  it.each([
    [['env=prod'], 'ab'],
    [['env==prod'], 'ab'],
    [['env = prod'], 'ab'],
    [['env!=prod'], 'cd'],
    [['env in (prod,test)'], 'abc'],
    [['env in (prod, test),zone in (y)'], 'b'],
    [['env notin (prod)'], 'cd'],
    [['zone'], 'ab'],
    [['!zone'], 'cd'],
    [['env', '!zone'], 'c'],
    [['env=prod', 'zone=y'], 'b'],
    [['env=prod,zone!=y'], 'a'],
  ])('%j fits the hosts %s, as it does for kubectl', (labels, fitting) => {
    expect(names(...labels)).toBe(fitting)
  })

  it('all hosts are selected where no labels are given', () => {
    expect(select(FLEET, {}).chosen).toHaveLength(4)
  })

  it('a selector that fits no host is named in the error', () => {
    expect(() => names('env=prod', 'zone=nowhere')).toThrow('"env=prod" and "zone=nowhere"')
    expect(() => select([], {})).toThrow('There are no hosts yet')
  })

  it('an empty value is a value, and not the lack of one', () => {
    const fleet = [host('a', { env: '' }), host('b', {})]
    expect(select(fleet, { labels: ['env='] }).chosen.map(({ name }) => name)).toEqual(['a'])
  })

  it('hosts that cannot run anything are left out, with the reason', () => {
    const fleet = [
      ...FLEET,
      host('new', {}, { state: 'installing', isInstalled: false }),
      host('broken', {}, { state: 'install_failed', isInstalled: false }),
      host('again', {}, { state: 'installing' }),
      host('gone', {}, { state: 'removing' }),
    ]
    const { chosen, skipped } = select(fleet, {})
    expect(chosen.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd', 'again'])
    expect(skipped).toEqual([
      { host: 'new', reason: 'its agent is still being installed' },
      { host: 'broken', reason: 'no agent is installed on it' },
      { host: 'gone', reason: 'it is being removed' },
    ])
    expect(() => select(fleet.slice(4, 6), {})).toThrow('new, broken')
  })

  it('a label called like a property of every object is a label like any other', () => {
    expect(() => names('constructor')).toThrow('No host')
    expect(() => names('toString=x')).toThrow('No host')
  })
})

describe('a preview', () => {
  it('a preview counts the hosts of a run, and those that fit and would be left out, with the reason', () => {
    const fleet = [...FLEET, host('e', { env: 'prod' }, { state: 'install_failed', isInstalled: false })]
    expect(toPreview(select(fleet, { labels: ['env=prod'] }))).toEqual({
      total: 2,
      hosts: ['a', 'b'],
      skippedTotal: 1,
      skipped: [{ host: 'e', reason: 'no agent is installed on it' }],
    })
  })

  it('a preview names a bounded number of hosts of a large fleet', () => {
    const fleet = Array.from({ length: 3000 }, (_, i) => host(`h${i}`, {}, { isInstalled: i % 2 === 0 }))
    const preview = toPreview(select(fleet, {}))
    expect([preview.total, preview.hosts.length, preview.skippedTotal, preview.skipped.length]).toEqual([
      1500, 50, 1500, 50,
    ])
  })
})
