import { execFileSync } from 'node:child_process'
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
const pkcs8 = make('pkcs8', '-t', 'ecdsa', '-m', 'PKCS8', '-N', '')

describe('a private key', () => {
  it.each([
    ['without a passphrase', plain, undefined],
    ['with the passphrase', locked, PASSPHRASE],
    ['in the older format', pem, PASSPHRASE],
    ['with a passphrase that it does not need', plain, PASSPHRASE],
    ['whose last line end was lost on the clipboard', plain.trimEnd(), undefined],
    ['that went through Windows', plain.replaceAll('\n', '\r\n'), undefined],
  ])('%s is read', (_what, privateKey, passphrase) => {
    expect(readCredential({ type: 'key', privateKey, ...(passphrase && { passphrase }) }).type).toBe('key')
  })

  it.each([
    ['needs a passphrase', locked, undefined, /none was given/],
    ['has another passphrase', locked, 'wrong', /passphrase does not open/],
    ['has another passphrase, in the older format', pem, 'wrong', /passphrase does not open/],
    ['is the public half', readFileSync(join(folder, 'plain.pub'), 'utf8'), undefined, /public key/],
    ['is in a format we do not read', pkcs8, undefined, /ssh-keygen -p/],
    ['is none', 'correct horse battery staple', undefined, /cannot be read/],
    [
      'lost its middle',
      plain
        .split('\n')
        .filter((_line, index) => index !== 2)
        .join('\n'),
      undefined,
      /damaged|cannot be read/,
    ],
  ])('that %s is refused, saying so and showing nothing of it', (_what, privateKey, passphrase, message) => {
    const credential = { type: 'key' as const, privateKey, ...(passphrase && { passphrase }) }
    const error = errorOf(() => readCredential(credential))
    expect(error).toMatchObject({ code: 'ssh.key_unreadable', message: expect.stringMatching(message) })
    expect(error.message).not.toContain(privateKey.split('\n')[1] || privateKey)
    if (passphrase) expect(error.message).not.toContain(passphrase)
  })
})

function errorOf(work: () => unknown): Error {
  try {
    work()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('nothing was thrown')
}
