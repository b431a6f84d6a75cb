import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readCredential } from './ssh-credential.ts'
import { describeCertificate, isCertificateKey, readCertificate } from './user-certificate.ts'

const folder = mkdtempSync(join(tmpdir(), 'rollcall-certificate-'))
afterAll(() => rmSync(folder, { recursive: true }))

const keygen = (...words: string[]) => execFileSync('ssh-keygen', ['-q', ...words], { stdio: 'pipe' })
const read = (name: string) => readFileSync(join(folder, name), 'utf8')
keygen('-t', 'ed25519', '-N', '', '-f', join(folder, 'ca'))
function signed(kind: string, ...options: string[]) {
  const name = `${kind}-${Math.random().toString(36).slice(2)}`
  keygen('-t', kind, ...(kind === 'rsa' ? ['-b', '2048'] : []), '-N', '', '-f', join(folder, name))
  keygen('-s', join(folder, 'ca'), '-I', 'ops@example', ...options, join(folder, `${name}.pub`))
  return { type: 'key' as const, privateKey: read(name), certificate: read(`${name}-cert.pub`) }
}
const NOW = new Date()

describe('a certificate', () => {
  it.each(['ed25519', 'ecdsa', 'rsa'])(
    'a certificate of an %s key is used with its own algorithm',
    async (kind) => {
      const credential = signed(kind, '-n', 'ops,deploy', '-V', '+1d')
      const { key } = await readCredential(credential, NOW)
      if (!isCertificateKey(key)) throw new Error('no certificate')
      expect(key.type).toMatch(/-cert-v01@openssh\.com$/)
      expect(key.certificate).toMatchObject({ keyId: 'ops@example', principals: ['ops', 'deploy'] })
      expect(describeCertificate(key.certificate)).toMatch(/"ops@example" for ops, deploy, valid until 20/)
      expect(key.getPublicSSH().toString('base64')).toBe(credential.certificate.split(' ')[1])
      expect(key.signatureOf(Buffer.from('x')).toString('latin1')).toMatch(
        /(ssh-ed25519|ecdsa-sha2-nistp256|rsa-sha2-512)\0/,
      )
    },
  )

  it('a certificate without expiry and principals is described as such', async () => {
    const certificate = readCertificate(signed('ed25519').certificate)
    expect(describeCertificate(certificate)).toBe('certificate "ops@example" for any user, valid forever')
  })

  it.each([
    ['has run out', () => signed('ed25519', '-V', '20200101:20200102'), /was valid until 2020/],
    ['is not valid yet', () => signed('ed25519', '-V', '20990101:20990102'), /is not valid before/],
    ['is of a host', () => signed('ed25519', '-h', '-n', 'web-1'), /host certificate/],
    [
      'is of another key',
      () => ({ ...signed('ed25519'), certificate: signed('ed25519').certificate }),
      /belongs to another key/,
    ],
    ['is a public key', () => ({ ...signed('ed25519'), certificate: read('ca.pub') }), /not supported/],
    [
      'was cut off',
      () => {
        const whole = signed('ed25519')
        return { ...whole, certificate: whole.certificate.slice(0, 120) }
      },
      /damaged/,
    ],
  ])('a certificate that %s is refused with that reason', async (_what, make, message) => {
    await expect(readCredential(make(), NOW)).rejects.toMatchObject({
      code: 'ssh.key_unreadable',
      message: expect.stringMatching(message),
    })
  })
})
