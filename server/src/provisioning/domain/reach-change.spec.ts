import { describe, expect, it } from 'vitest'
import type { HostReach } from '../../hosts/index.ts'
import { changesReach, mergeReach, passwordsToSetAgain } from './reach-change.ts'

const KNOWN: HostReach = {
  address: '10.0.0.5',
  port: 22,
  user: 'root',
  hostKey: 'SHA256:old',
  credential: { ssh: { type: 'password', password: 'p' }, sudoPassword: 's' },
}

it('what a change of how a host is reached leaves out stays', () => {
  expect(mergeReach(KNOWN, {})).toEqual(KNOWN)
  expect(mergeReach(KNOWN, { address: '10.0.0.6', port: 2222 })).toEqual({
    ...KNOWN,
    address: '10.0.0.6',
    port: 2222,
  })
  const key = { type: 'key' as const, privateKey: 'k' }
  expect(mergeReach(KNOWN, { credential: key }).credential).toEqual({ ssh: key, sudoPassword: 's' })
})

it('a sudo password is kept, replaced, or forgotten when null is given', () => {
  expect(mergeReach(KNOWN, { sudoPassword: 'new' }).credential.sudoPassword).toBe('new')
  expect(mergeReach(KNOWN, { sudoPassword: null }).credential.sudoPassword).toBeUndefined()
})

describe('stored passwords', () => {
  const [address, other] = ['10.0.0.6', 'SHA256:new']
  const key = { ssh: { type: 'key' as const, privateKey: 'k' } }
  it.each<[string, Partial<HostReach>, Parameters<typeof mergeReach>[1], string[]]>([
    ['go to the machine with the pinned key, wherever it is', {}, { address, port: 2222, user: 'ops' }, []],
    ['must be given again for a new key', {}, { hostKey: other }, ['credential', 'sudoPassword']],
    [
      'must be given again for a new key elsewhere',
      {},
      { address, hostKey: other },
      ['credential', 'sudoPassword'],
    ],
    [
      'must be given again elsewhere, before a key was seen',
      { hostKey: null },
      { address },
      ['credential', 'sudoPassword'],
    ],
    ['go where they were meant to, before a key was seen', { hostKey: null }, { hostKey: other }, []],
    ['are each asked for alone', {}, { hostKey: other, sudoPassword: null }, ['credential']],
    [
      'are not asked for where they are given',
      {},
      { hostKey: other, credential: key.ssh, sudoPassword: 's' },
      [],
    ],
    ['are not those that unlock a key, which is never sent', { credential: key }, { hostKey: other }, []],
    [
      'are those beside a key too',
      { credential: { ssh: { ...key.ssh, password: 'p' } } },
      { hostKey: other },
      ['credential'],
    ],
    ['stay with the key that is given again', {}, { hostKey: KNOWN.hostKey ?? '' }, []],
  ])('%s', (_what, known, change, fields) => {
    expect(passwordsToSetAgain({ ...KNOWN, ...known }, change)).toEqual(fields)
  })
})

it('a change of labels, of the port of the agent or of nothing signs in to no host', () => {
  for (const change of [{}, { skipCheck: true }, { agentPorts: '7000' }])
    expect(changesReach(change)).toBe(false)
  expect(changesReach({ sudoPassword: null })).toBe(true)
})
