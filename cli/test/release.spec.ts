import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withServer } from './setting.ts'

const setting = withServer()

describe('rollcall release add', () => {
  it('hands the archive over unless the server has it, and names it by its content', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-release-'))
    const path = join(folder, 'agent.tar.gz')
    await writeFile(path, 'an archive')
    const sha256 = createHash('sha256').update('an archive').digest('hex')
    const release = { version: '2.0.0', architecture: 'x64', sha256, isOwn: false }
    const { server } = setting
    server.answers.missingContents = () => ({ missing: server.content.length > 0 ? [] : [sha256] })
    server.answers.addRelease = () => ({ isNew: true, releases: [release] })
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
