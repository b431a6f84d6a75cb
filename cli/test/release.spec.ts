import { createHash, generateKeyPairSync, verify } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { releaseText } from '@rollcall/contracts/agent'
import { describe, expect, it } from 'vitest'
import { withServer } from './setting.ts'

const setting = withServer()

describe('rollcall release sign', () => {
  it('rollcall release sign makes a signature that the printed key verifies, and that release add sends', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-release-'))
    try {
      const { publicKey, privateKey } = generateKeyPairSync('ed25519')
      const key = join(folder, 'key.pem')
      await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }))
      const path = join(folder, 'rollcall-agent-1.2.3-linux-arm64.tar.gz')
      await writeFile(path, 'an archive')
      const sha256 = createHash('sha256').update('an archive').digest('hex')
      const signed = await setting.ended(['release', 'sign', path, '--key', key])
      expect(signed.exitCode, signed.stderr).toBe(0)
      const shown = /ROLLCALL_RELEASE_KEYS=(\S+)/.exec(signed.stdout)?.[1] ?? ''
      expect(Buffer.from(shown, 'base64').toString('base64url')).toBe(publicKey.export({ format: 'jwk' }).x)
      const signature = (await readFile(`${path}.sig`, 'utf8')).trim()
      const text = releaseText({ version: '1.2.3', architecture: 'arm64', sha256 })
      expect(verify(null, Buffer.from(text), publicKey, Buffer.from(signature, 'base64'))).toBe(true)
      setting.server.handlers.missingContents = () => ({ missing: [] })
      setting.server.handlers.addRelease = () => ({ isNew: true, releases: [] })
      await setting.ended(['release', 'add', path])
      expect(setting.server.requests.find(({ name }) => name === 'addRelease')?.body).toEqual({
        sha256,
        signature,
      })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('rollcall release sign refuses a file that is not a key, and an archive with another name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-release-'))
    try {
      const [key, path] = [join(folder, 'key.pem'), join(folder, 'agent.tar.gz')]
      await writeFile(key, 'no key')
      await writeFile(path, 'an archive')
      const unnamed = await setting.ended(['release', 'sign', path, '--key', key])
      expect(unnamed).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('rollcall-agent-VERSION'),
      })
      const named = join(folder, 'rollcall-agent-1.2.3-linux-x64.tar.gz')
      await writeFile(named, 'an archive')
      const wrong = await setting.ended(['release', 'sign', named, '--key', key])
      expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('openssl genpkey') })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('rollcall release add', () => {
  it('rollcall release add uploads an archive once, and names it by its content', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-release-'))
    const path = join(folder, 'agent.tar.gz')
    await writeFile(path, 'an archive')
    const sha256 = createHash('sha256').update('an archive').digest('hex')
    const release = {
      version: '2.0.0',
      architecture: 'x64' as const,
      sha256,
      isOwn: false,
      signedBy: 'servers' as const,
    }
    const { server } = setting
    server.handlers.missingContents = () => ({ missing: server.content.length > 0 ? [] : [sha256] })
    server.handlers.addRelease = () => ({ isNew: true, releases: [release] })
    try {
      for (let time = 0; time < 2; time++) {
        const { exitCode, stdout } = await setting.ended(['release', 'add', path])
        expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining(sha256) })
      }
      expect(server.content.toString()).toBe('an archive')
      expect(server.requests.filter(({ name }) => name === 'addContent')).toHaveLength(1)
      expect(server.requests.find(({ name }) => name === 'addRelease')?.body).toEqual({ sha256 })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
