import { createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import { keyringText, releaseText } from '@rollcall/contracts/agent'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Sealer } from '../platform/crypto/sealer.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { ReleaseKeysRepository } from './release-keys.repository.ts'
import { ReleaseKeys } from './release-keys.ts'

const RELEASE = { version: '1.2.3', architecture: 'x64' as const, sha256: 'a'.repeat(64), signature: null }
const sealer = new Sealer(randomBytes(32))

let test: TestDatabase
beforeAll(async () => {
  test = await TestDatabase.open()
})
afterAll(() => test?.close())
beforeEach(() => test.database.pool.query('DELETE FROM release_key'))

const isSigned = (key: string, text: string, signature: string) => {
  const x = Buffer.from(key, 'base64').toString('base64url')
  const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } })
  return verify(null, Buffer.from(text), publicKey, Buffer.from(signature, 'base64'))
}

describe('the keys of the servers', () => {
  it('signing keys are created once, sealed, and sign releases verifiably', async () => {
    const keys = await ReleaseKeys.open(new ReleaseKeysRepository(test.database), sealer, [])
    const again = await ReleaseKeys.open(new ReleaseKeysRepository(test.database), sealer, [])
    const { servers } = await keys.list()
    expect(await again.list()).toEqual({ operator: [], servers })
    expect(servers).toHaveLength(1)
    const { signature, keyring } = await keys.sign(RELEASE)
    const key = servers[0]?.key ?? ''
    expect(keyring).toBe(keyringText([key]))
    expect(isSigned(key, releaseText(RELEASE), signature)).toBe(true)
    const { rows } = await test.database.pool.query('SELECT private_key FROM release_key')
    expect(rows[0].private_key.toString('latin1')).not.toContain('PRIVATE KEY')
  })

  it('older signing keys sign the newest one, and nothing else', async () => {
    const keys = await ReleaseKeys.open(new ReleaseKeysRepository(test.database), sealer, [])
    await keys.renew(new Date())
    const [newest, older] = (await keys.list()).servers.map(({ key }) => key) as [string, string]
    const { signature, keyring, keyringSignatures } = await keys.sign(RELEASE)
    expect(keyring).toBe(keyringText([newest]))
    expect(isSigned(newest, releaseText(RELEASE), signature)).toBe(true)
    expect(keyringSignatures.some((one) => isSigned(older, keyring, one))).toBe(true)
  })
})

describe('the keys of the operator', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const key = Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url').toString('base64')
  const signature = sign(null, Buffer.from(releaseText(RELEASE)), privateKey).toString('base64')

  it('alone count, and the servers only hand his signature on', async () => {
    const keys = await ReleaseKeys.open(new ReleaseKeysRepository(test.database), sealer, [key])
    const signed = await keys.sign({ ...RELEASE, signature })
    expect(signed).toMatchObject({ signature, keyring: keyringText([key]) })
    const servers = (await keys.list()).servers
    expect(signed.keyringSignatures.some((one) => isSigned(servers[0]?.key ?? '', signed.keyring, one))).toBe(
      true,
    )
  })

  it.each([
    ['is missing', null, RELEASE.version],
    ['is of another release', signature, '1.2.4'],
    ['is no signature', Buffer.alloc(64).toString('base64'), RELEASE.version],
  ])('refuse a release whose signature %s', async (_what, given, version) => {
    const keys = await ReleaseKeys.open(new ReleaseKeysRepository(test.database), sealer, [key])
    await expect(keys.sign({ ...RELEASE, version, signature: given })).rejects.toMatchObject({
      code: 'release.unsigned',
      message: expect.stringContaining('rollcall release sign'),
    })
  })
})
