import { expect, it } from 'vitest'
import type { EndedCommand } from '../../commands/index.ts'
import { toProvisioningEnds } from './host-ends.ts'

const at = new Date(0)
const ended = (id: string, ending: EndedCommand['ending']): EndedCommand => ({
  id,
  hostId: `host of ${id}`,
  kind: 'install',
  ending,
  at,
})

it('changes the host of each command that says what its host has become, and of no other', () => {
  const ends = toProvisioningEnds([
    ended('plain', { state: 'success' }),
    ended('failed', {
      state: 'failed',
      reasonCode: 'ssh.auth_failed',
      reason: 'no',
      hostState: 'install_failed',
    }),
    ended('removed', { state: 'success', isHostRemoved: true }),
  ])
  expect(ends).toEqual([
    {
      commandId: 'failed',
      hostId: 'host of failed',
      state: 'install_failed',
      code: 'ssh.auth_failed',
      reason: 'no',
      at,
    },
    { commandId: 'removed', hostId: 'host of removed', state: 'removed', code: null, reason: null, at },
  ])
})
