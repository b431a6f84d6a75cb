import { describe, expect, it } from 'vitest'
import type { SilentHost } from '../../heartbeats/index.ts'
import { isToBeReinstalled, nextReinstall } from './decide-reinstall.ts'

const now = new Date('2026-11-21T10:00:00Z')
const SILENT: SilentHost = {
  hostId: 'h',
  state: 'offline',
  stateCode: 'agent.unreachable',
  isAllowed: true,
  failedRounds: 3,
  notBefore: null,
  reinstalls: 0,
}

describe('isToBeReinstalled', () => {
  it('an agent that stays silent is reinstalled', () => {
    expect(isToBeReinstalled(SILENT, now)).toBe(true)
  })

  it.each([
    ['a person has switched it off', { isAllowed: false }],
    ['it has not been silent for long', { failedRounds: 2 }],
    ['it was tried a moment ago', { notBefore: new Date(now.getTime() + 1) }],
    ['its credentials were refused', { state: 'credentials_refused' }],
    ['its identity has changed', { state: 'identity_changed' }],
    ['it answers', { state: 'degraded' }],
    ['it is being installed', { state: 'installing' }],
    ['an installation was refused for good', { state: 'install_failed', stateCode: 'ssh.auth_failed' }],
  ] as [string, Partial<SilentHost>][])('a silent agent is not reinstalled when %s', (_why, change) => {
    expect(isToBeReinstalled({ ...SILENT, ...change }, now)).toBe(false)
  })

  it('an agent is reinstalled again after an installation failed for lack of a connection', () => {
    const host: SilentHost = { ...SILENT, state: 'install_failed', stateCode: 'ssh.connection_lost' }
    expect(isToBeReinstalled(host, now)).toBe(true)
  })
})

describe('nextReinstall', () => {
  it('reinstallations have ever longer pauses, up to a day', () => {
    const minutes = [0, 1, 2, 3, 50].map(
      (reinstalls) => (nextReinstall('installing', reinstalls, now, 1).getTime() - now.getTime()) / 60_000,
    )
    expect(minutes).toEqual([10, 20, 40, 80, 1440])
  })
})
