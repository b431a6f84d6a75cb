import type { HostView } from '@rollcall/contracts/admin'
import { expect, it } from 'vitest'
import { editOf, toChange } from './host-edit.ts'

const HOST = {
  address: '192.0.2.1',
  port: 22,
  user: 'root',
  hostKey: `SHA256:${'A'.repeat(43)}`,
} as HostView

it('a form that was not touched changes nothing, whatever is ticked in it', () => {
  expect(toChange(HOST, editOf(HOST))).toBeNull()
  expect(toChange(HOST, { ...editOf(HOST), skipCheck: true, allowDuplicate: true })).toBeNull()
  expect(toChange({ ...HOST, hostKey: null }, editOf({ ...HOST, hostKey: null }))).toBeNull()
})

it('only what differs is sent, without the space around it', () => {
  const edit = { ...editOf(HOST), address: ' 192.0.2.2 ', agentPorts: ' 7000-7100 ', skipCheck: true }
  expect(toChange(HOST, edit)).toEqual({ address: '192.0.2.2', agentPorts: '7000-7100', skipCheck: true })
})

it('a way to sign in is sent when one was filled in, and a sudo password is kept, replaced or forgotten', () => {
  const secrets = { privateKey: 'KEY', sudoPassword: 's' }
  expect(toChange(HOST, { ...editOf(HOST), ...secrets })).toEqual({
    credential: { type: 'key', privateKey: 'KEY' },
    sudoPassword: 's',
  })
  const typed = { type: 'password' as const, privateKey: 'KEY' }
  expect(toChange(HOST, { ...editOf(HOST), ...typed })).toBeNull()
  expect(toChange(HOST, { ...editOf(HOST), ...secrets, forgetsSudo: true })).toMatchObject({
    sudoPassword: null,
  })
})
