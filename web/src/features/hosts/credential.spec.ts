import { sshCredential } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { credentialOf, NO_SECRETS } from './credential-fields.tsx'

describe('what a person fills in to sign in with', () => {
  it('is a key with a certificate and a password where a host asks for all of them', () => {
    const credential = credentialOf({
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

  it('holds nothing of a field that was left empty, nor of the way that was not chosen', () => {
    const typed = { ...NO_SECRETS, privateKey: 'KEY', password: 'other', certificate: '  ' }
    expect(credentialOf(typed)).toEqual({ type: 'key', privateKey: 'KEY' })
    expect(credentialOf({ ...typed, type: 'password', secondPassword: 'x' })).toEqual({
      type: 'password',
      password: 'other',
    })
  })
})
