import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readCredential } from './ssh-credential.ts'

const folder = mkdtempSync(join(tmpdir(), 'rollcall-credential-'))
afterAll(() => rmSync(folder, { recursive: true }))

const PASSPHRASE = 'open sesame'
function make(name: string, ...options: string[]): string {
  execFileSync('ssh-keygen', ['-q', '-f', join(folder, name), ...options])
  return readFileSync(join(folder, name), 'utf8')
}
const plain = make('plain', '-t', 'ed25519', '-N', '')
const locked = make('locked', '-t', 'ed25519', '-N', PASSPHRASE)
const pem = make('pem', '-t', 'rsa', '-m', 'PEM', '-N', PASSPHRASE)
const NOW = new Date()
const pkcs8 = make('pkcs8', '-t', 'ecdsa', '-m', 'PKCS8', '-N', '')

const pkcs8Locked = make('pkcs8-locked', '-t', 'rsa', '-m', 'PKCS8', '-N', PASSPHRASE)
const PKCS8 = { type: 'pkcs8', format: 'pem' } as const
const toPkcs8 = (kind: 'ed25519' | 'rsa' | 'ed448') =>
  (kind === 'rsa'
    ? generateKeyPairSync(kind, { modulusLength: 2048 })
    : generateKeyPairSync(kind as 'ed25519')
  ).privateKey
    .export(PKCS8)
    .toString()

describe('a private key', () => {
  it.each([
    ['without a passphrase', plain, undefined],
    ['with the passphrase', locked, PASSPHRASE],
    ['in the older format', pem, PASSPHRASE],
    ['with a passphrase that it does not need', plain, PASSPHRASE],
    ['whose last line end was lost on the clipboard', plain.trimEnd(), undefined],
    ['that went through Windows', plain.replaceAll('\n', '\r\n'), undefined],
    ['in PKCS#8, as OpenSSL writes it', pkcs8, undefined],
    ['in PKCS#8 with the passphrase', pkcs8Locked, PASSPHRASE],
    ['of Ed25519 in PKCS#8', toPkcs8('ed25519'), undefined],
    ['of RSA in PKCS#8', toPkcs8('rsa'), undefined],
  ])('%s is read, and signs', async (_what, privateKey, passphrase) => {
    const credential = { type: 'key' as const, privateKey, ...(passphrase && { passphrase }) }
    const { key } = await readCredential(credential, NOW)
    if (!key) throw new Error('no key')
    const algorithm = key.type === 'ssh-rsa' ? 'sha512' : undefined
    const signature = key.sign(Buffer.from('x'), algorithm) as unknown as Buffer
    expect(key.verify(Buffer.from('x'), signature, algorithm)).toBe(true)
  })

  it('a private key is read together with a password, for a host that asks for both', async () => {
    const { key, password } = await readCredential(
      { type: 'key', privateKey: plain, password: 'second' },
      NOW,
    )
    expect(key?.type).toBe('ssh-ed25519')
    expect(password).toBe('second')
  })

  it.each([
    ['needs a passphrase', locked, undefined, /Enter the passphrase/],
    ['has another passphrase', locked, 'guess 12', /passphrase is wrong/],
    ['has another passphrase, in the older format', pem, 'guess 12', /passphrase is wrong/],
    ['is the public half', readFileSync(join(folder, 'plain.pub'), 'utf8'), undefined, /public key/],
    ['needs a passphrase, in PKCS#8', pkcs8Locked, undefined, /Enter the passphrase/],
    ['has another passphrase, in PKCS#8', pkcs8Locked, 'guess 12', /passphrase is wrong/],
    ['is in a format we do not read', toPkcs8('ed448'), undefined, /ssh-keygen -p/],
    ['is none', 'correct horse battery staple', undefined, /is unreadable/],
    [
      'lost its middle',
      plain
        .split('\n')
        .filter((_line, index) => index !== 2)
        .join('\n'),
      undefined,
      /damaged|is unreadable/,
    ],
  ])(
    'a private key that %s is refused with that reason, showing nothing of it',
    async (_what, privateKey, passphrase, message) => {
      const credential = { type: 'key' as const, privateKey, ...(passphrase && { passphrase }) }
      const error = await readCredential(credential, NOW).then(
        () => new Error('it was read'),
        (thrown) => thrown,
      )
      expect(error).toMatchObject({ code: 'ssh.key_unreadable', message: expect.stringMatching(message) })
      expect(error.message).not.toContain(privateKey.split('\n')[1] || privateKey)
      if (passphrase) expect(error.message).not.toContain(passphrase)
    },
  )
})
