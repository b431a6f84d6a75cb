import { describe, expect, it } from 'vitest'
import type { WatchedAgent } from '../live/fleet-view.ts'
import { fleetFrame } from './fleet-frame.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')

const agent = (host: string, more: Partial<WatchedAgent> = {}): WatchedAgent => ({
  host,
  state: 'online',
  stateCode: null,
  stateReason: null,
  stateSince: '2026-03-01T10:00:00Z',
  lastAnswerAt: '2026-03-01T11:59:45Z',
  areValuesStale: false,
  cpuPercent: 12,
  memoryPercent: 34,
  diskPercent: 56,
  ...more,
})
const offline = (host: string, stateSince: string) =>
  agent(host, { state: 'offline', stateSince, stateReason: 'Silent.' })

const frame = (agents: WatchedAgent[], { rows = 20, columns = 200, note = '' } = {}) =>
  fleetFrame({ agents, rows, columns, now: NOW, note })
const texts = (...args: Parameters<typeof frame>) => frame(...args).map(({ text }) => text)
const hostsIn = (lines: string[]) => lines.slice(3).map((line) => line.split(' ')[0])

describe('fleetFrame', () => {
  it('puts the last values of a host that does not answer in parentheses', () => {
    const gone = { ...offline('gone', '2026-03-01T11:00:00Z'), areValuesStale: true }
    const lines = texts([gone, agent('here')]).join('\n')
    expect(lines).toMatch(/^gone .* \(12 %\) +\(34 %\) +\(56 %\)/m)
    expect(lines).not.toMatch(/^here .*\(/m)
  })

  it('the frame has counts on top, then hosts, the worst and newest problems first', () => {
    const agents = [
      agent('a'),
      offline('old', '2026-03-01T08:00:00Z'),
      agent('hot', { state: 'degraded', stateCode: 'host.cpu_high', stateReason: 'Hot.' }),
      offline('new', '2026-03-01T11:58:00Z'),
      agent('stolen', { state: 'identity_changed' }),
      agent('coming', { state: 'installing', lastAnswerAt: null, cpuPercent: null }),
    ]
    const lines = frame(agents, { note: 'Ctrl-C exits.' })
    expect(lines.map(({ text }) => text)).toEqual([
      '6 hosts: 1 installing, 1 online, 1 degraded, 2 offline, 1 identity_changed',
      '',
      'HOST    STATE                     SINCE  ANSWERED  CPU   MEMORY  DISK  REASON',
      'stolen  identity_changed          2 h    15 s ago  12 %  34 %    56 %',
      'new     offline                   2 min  15 s ago  12 %  34 %    56 %  Silent.',
      'old     offline                   4 h    15 s ago  12 %  34 %    56 %  Silent.',
      'hot     degraded (host.cpu_high)  2 h    15 s ago  12 %  34 %    56 %  Hot.',
      'coming  installing                2 h    never     -     34 %    56 %',
      'a       online                    2 h    15 s ago  12 %  34 %    56 %',
      'Ctrl-C exits.',
    ])
    expect(lines.slice(3, 9).map(({ tone }) => tone)).toEqual([
      'bad',
      'bad',
      'bad',
      'warning',
      'warning',
      'plain',
    ])
  })

  it('hosts that are well keep their places, whenever they became so', () => {
    const agents = [agent('b', { stateSince: '2026-03-01T11:59:00Z' }), agent('a')]
    expect(hostsIn(texts(agents))).toEqual(['a', 'b'])
  })

  it('the frame fits the terminal, and counts the hosts that it leaves out', () => {
    const agents = Array.from({ length: 50 }, (_, place) => agent(`host-${place}`))
    expect(texts(agents, { rows: 10, note: 'x' }).slice(-2)).toEqual(['… and 45 more, all online', 'x'])
    const worse = [...agents, ...agents.map(({ host }) => offline(`${host}-off`, '2026-03-01T11:00:00Z'))]
    expect(texts(worse, { rows: 10 }).at(-1)).toBe('… and 94 more')
    for (let rows = 0; rows < 12; rows++) {
      const lines = texts(worse, { rows, columns: 7, note: 'x'.repeat(20) })
      expect(lines.length).toBeLessThanOrEqual(rows)
      expect(Math.max(0, ...lines.map((line) => line.length))).toBeLessThanOrEqual(7)
    }
  })

  it('the frame lets no text of a host act on the terminal', () => {
    const evil = '\x1b[2J\x07\nnext\u202E'
    const shown = texts([agent('a', { state: 'degraded', stateCode: evil, stateReason: evil })]).join('')
    expect(shown).not.toMatch(/\p{C}/u)
  })

  it('the frame of an empty fleet says so', () => {
    expect(texts([])).toEqual(['0 hosts', ''])
  })
})
