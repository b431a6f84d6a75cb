import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isPuttyKey, toOpenSshKey } from './putty-key.ts'
import { ssh2 } from './ssh2.ts'

// Written by PuTTYgen 0.78 for these tests; no host trusts them.
const file = (name: string) => readFileSync(new URL(`./testing/putty-${name}`, import.meta.url), 'utf8')
const PASSPHRASE = 'open sesame'

const KINDS = ['ed25519', 'rsa', 'ecdsa'].flatMap((kind) =>
  ['v2', 'v3'].flatMap((version) => [
    { kind, name: `${kind}-${version}.ppk`, passphrase: undefined },
    { kind, name: `${kind}-${version}-locked.ppk`, passphrase: PASSPHRASE },
  ]),
)

describe("PuTTY's private keys", () => {
  it.each(KINDS)(
    '$name is read as the key whose public half ssh-keygen knows',
    async ({ kind, name, passphrase }) => {
      const key = ssh2.utils.parseKey(await toOpenSshKey(file(name), passphrase))
      if (key instanceof Error) throw key
      const [, blob = ''] = file(`${kind}.pub`).split(' ')
      expect(key.getPublicSSH().toString('base64')).toBe(blob)
      const data = Buffer.from('signed')
      const algorithm = kind === 'rsa' ? 'sha512' : undefined
      const signature = key.sign(data, algorithm)
      expect(key.verify(data, signature as unknown as Buffer, algorithm)).toBe(true)
    },
  )

  it.each(KINDS.filter(({ passphrase }) => passphrase))(
    '$name is not opened by another passphrase, nor without one',
    async ({ name }) => {
      await expect(toOpenSshKey(file(name), 'wrong')).rejects.toThrow(/passphrase is wrong/)
      await expect(toOpenSshKey(file(name), undefined)).rejects.toThrow(/Enter the passphrase/)
    },
  )

  it('damage to a PuTTY key is detected by its MAC, wherever it is', async () => {
    const lines = file('ed25519-v3.ppk').trim().split('\n')
    for (let index = 1; index < lines.length; index++) {
      const without = lines.filter((_line, at) => at !== index).join('\n')
      await expect(toOpenSshKey(without, undefined)).rejects.toThrow(/damaged/)
    }
    const renamed = file('ed25519-v3.ppk').replace('Comment: putty', 'Comment: other')
    await expect(toOpenSshKey(renamed, undefined)).rejects.toThrow(/damaged/)
  })

  it('a PuTTY key cannot stall the server by the work that it demands', async () => {
    const text = file('ed25519-v3-locked.ppk')
    for (const [name, value] of [
      ['Argon2-Memory', '4194304'],
      ['Argon2-Passes', '99999999'],
      ['Argon2-Parallelism', '0'],
    ] as const)
      await expect(
        toOpenSshKey(text.replace(new RegExp(`${name}: \\d+`), `${name}: ${value}`), PASSPHRASE),
      ).rejects.toThrow(/PuTTYgen/)
  })

  it('PuTTY keys are recognised, and unsupported versions are named', async () => {
    expect(isPuttyKey(file('rsa-v2.ppk'))).toBe(true)
    expect(isPuttyKey('-----BEGIN OPENSSH PRIVATE KEY-----')).toBe(false)
    await expect(toOpenSshKey(file('rsa-v2.ppk').replace('File-2', 'File-1'), undefined)).rejects.toThrow(
      /version of PuTTY key is not supported/,
    )
  })
})
