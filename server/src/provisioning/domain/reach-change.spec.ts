import { expect, it } from 'vitest'
import { isReachNamed, mergeReach, type Reach } from './reach-change.ts'

const KNOWN: Reach = {
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

it('a change of labels, of the port of the agent or of nothing signs in to no host', () => {
  for (const change of [{}, { skipCheck: true }, { agentPorts: '7000' }])
    expect(isReachNamed(change)).toBe(false)
  expect(isReachNamed({ sudoPassword: null })).toBe(true)
})
