import { describe, expect, it } from 'vitest'
import { type EarlierRun, orderOf, whyNotKept } from './run-order.ts'

const command: EarlierRun['command'] = {
  program: 'deploy',
  args: ['--now'],
  env: { TOKEN: 'hidden', A: '' },
  cwd: '/srv',
  timeoutMs: 5000,
  startWithinMs: 60_000,
  tty: false,
  stdin: false,
}
const byName: EarlierRun = { target: null, limits: { batch: 2 }, hostNames: ['a', 'b'], command }
const byLabel: EarlierRun = { ...byName, target: { labels: ['env=prod', 'zone=a'] } }
const same = { program: 'deploy', args: ['--now'], cwd: '/srv' }

describe('a run that is asked for again', () => {
  it('an earlier run is shown with its whole request, and of its environment the names alone', () => {
    expect(orderOf(byName)).toEqual({
      ...same,
      timeoutMs: 5000,
      startWithinMs: 60_000,
      tty: false,
      stdin: false,
      envNames: ['A', 'TOKEN'],
      target: { hosts: ['a', 'b'] },
      limits: { batch: 2 },
    })
    expect(orderOf(byLabel).target).toEqual({ labels: ['env=prod', 'zone=a'] })
    expect(orderOf({ ...byName, target: { all: true } }).target).toEqual({ all: true })
    expect(JSON.stringify(orderOf(byName))).not.toContain('hidden')
  })

  it('an environment is kept for the same program on the same hosts, on some of them, or by the same labels', () => {
    expect(whyNotKept({ ...same, hosts: ['b', 'a'] }, byName)).toBeNull()
    expect(whyNotKept({ ...same, hosts: ['b'] }, byName)).toBeNull()
    expect(whyNotKept({ ...same, labels: ['env=prod,zone=a'] }, byLabel)).toBeNull()
    expect(whyNotKept({ ...same, hosts: ['a'] }, byLabel)).toBeNull()
    expect(whyNotKept({ ...same, all: true }, { ...byName, target: { all: true } })).toBeNull()
  })

  it.each([
    ['another program', { ...same, program: 'printenv', hosts: ['a'] }],
    ['other arguments', { ...same, args: ['--now', ''], hosts: ['a'] }],
    ['another folder', { ...same, cwd: '/', hosts: ['a'] }],
    ['another host', { ...same, hosts: ['a', 'c'] }],
    ['other labels', { ...same, labels: ['env=prod'] }],
    ['all hosts', { ...same, all: true as const }],
  ])('an environment is not handed to %s', (_what, request) => {
    for (const earlier of [byName, byLabel])
      expect(whyNotKept(request, earlier)).toMatch(/only: give its values again/)
  })
})
