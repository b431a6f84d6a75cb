import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readTar } from '../../platform/archives/tar-reader.ts'
import { OutgoingAddresses } from '../../platform/network/outgoing-addresses.ts'
import { GitSource } from './git-source.ts'

const MAX = 1024 * 1024
const folder = mkdtempSync(join(tmpdir(), 'rollcall-git-spec-'))
const repository = join(folder, 'repository')
const url = `file://${repository}`
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
    cwd: repository,
    encoding: 'utf8' as const,
    env: { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  }).trim()
/** As the server's own, but that it may take a repository of this machine. */
const source = new GitSource(new OutgoingAddresses(), ['file'])
let first: string
let second: string

beforeAll(() => {
  mkdirSync(repository)
  git('init', '--quiet')
  const commit = (text: string) => {
    writeFileSync(join(repository, 'site.yml'), text)
    git('add', '--all')
    git('commit', '--quiet', '--message', text)
    return git('rev-parse', 'HEAD')
  }
  writeFileSync(join(repository, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 })
  first = commit('one')
  second = commit('two')
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('a commit of a repository', () => {
  it('an archive of a commit holds its own files, and not those of the newest', async () => {
    const files = (
      await Promise.all([first, second].map((commit) => source.archive({ url, commit }, MAX)))
    ).map((tar) => readTar(tar))
    expect(files.map((each) => each.map(({ path }) => path))).toEqual([
      ['run.sh', 'site.yml'],
      ['run.sh', 'site.yml'],
    ])
    expect(files.map((each) => each[1]?.data.toString())).toEqual(['one', 'two'])
    expect((files[0]?.[0]?.mode ?? 0) & 0o100).toBe(0o100)
  })

  it('a commit that is not there, and an object that is no commit, are refused', async () => {
    const tree = git('rev-parse', 'HEAD^{tree}')
    for (const commit of ['0'.repeat(40), tree])
      await expect(source.archive({ url, commit }, MAX)).rejects.toMatchObject({
        code: 'collection.git_failed',
      })
  })

  it('a commit with more bytes than the bound is refused', async () => {
    await expect(source.archive({ url, commit: first }, 1000)).rejects.toMatchObject({
      code: 'collection.refused',
    })
  })

  it('git starts no program that the repository or its address names', async () => {
    const trap = join(folder, 'trap')
    const trapped = join(folder, 'trapped')
    writeFileSync(trap, `#!/bin/sh\ntouch ${trapped}\n`)
    chmodSync(trap, 0o755)
    for (const address of [`ext::${trap}`, `--upload-pack=${trap}`])
      await expect(source.archive({ url: address, commit: first }, MAX)).rejects.toMatchObject({
        code: 'collection.git_failed',
      })
    expect(readdirSync(folder)).not.toContain('trapped')
  })

  it('a server takes no repository from a file of its own machine', async () => {
    await expect(
      new GitSource(new OutgoingAddresses()).archive({ url, commit: first }, MAX),
    ).rejects.toMatchObject({
      code: 'collection.git_failed',
    })
  })
})
