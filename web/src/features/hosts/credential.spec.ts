import { sshCredential } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { NO_SECRETS, toCredential } from './credential.ts'

describe('what a person fills in to sign in with', () => {
  it('credentials are a key with a certificate and a password where a host asks for all of them', () => {
    const credential = toCredential({
      ...NO_SECRETS,
      privateKey: 'KEY',
      passphrase: 'phrase',
      certificate: ' ssh-ed25519-cert-v01@openssh.com AAAA \n',
      secondPassword: 'word',
    })
    expect(sshCredential.parse(credential)).toEqual({
      type: 'key',
      privateKey: 'KEY',
      passphrase: 'phrase',
      certificate: 'ssh-ed25519-cert-v01@openssh.com AAAA',
      password: 'word',
    })
  })

  it('credentials hold nothing of a field that was left empty, nor of the method that was not chosen', () => {
    const typed = { ...NO_SECRETS, privateKey: 'KEY', password: 'other', certificate: '  ' }
    expect(toCredential(typed)).toEqual({ type: 'key', privateKey: 'KEY' })
    expect(toCredential({ ...typed, type: 'password', secondPassword: 'x' })).toEqual({
      type: 'password',
      password: 'other',
    })
  })
})
