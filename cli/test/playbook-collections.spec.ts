import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CollectionSource, CollectionView } from '@rollcall/contracts/admin'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { withServer } from './setting.ts'

const setting = withServer()
const VERSION = 'ab'.repeat(32)
const COMMIT = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'
const URL = 'https://git.example/site.git'

const view = (name: string, source: CollectionSource): CollectionView => ({
  name,
  source,
  version: VERSION,
  playbooks: [`${name}/deploy`],
  files: 3,
  bytes: 120,
  labels: null,
  addedBy: 'ada',
  addedAt: '2026-03-01T10:00:00.000Z',
})
const added = () => setting.server.requests.find(({ name }) => name === 'addCollection')?.body

describe('rollcall playbook add', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-playbooks-'))
    await mkdir(join(folder, '.git'))
    await writeFile(join(folder, '.git/config'), 'secret')
    await writeFile(join(folder, 'deploy.yml'), '- hosts: all\n')
    setting.server.handlers.addCollection = ({ body }) => ({
      collection: view(body.name, body.source),
      isNew: true,
    })
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('packs a folder without its history, and hands it over', async () => {
    const { exitCode, stdout } = await setting.ended(['playbook', 'add', 'mysite', folder])
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: 'mysite is now at version abababababab: mysite/deploy\n',
    })
    const { content } = setting.server
    expect(execFileSync('tar', ['-tzf', '-'], { input: content }).toString().split('\n').sort()).toEqual([
      '',
      './',
      './deploy.yml',
    ])
    const sha256 = createHash('sha256').update(content).digest('hex')
    expect(added()).toEqual({ name: 'mysite', source: { kind: 'archive', sha256 } })
  })

  it('rollcall playbook add uploads an archive unchanged', async () => {
    const path = join(folder, 'site.tar.gz')
    await writeFile(path, 'whatever it holds')
    expect(await setting.ended(['playbook', 'add', 'mysite', path])).toMatchObject({ exitCode: 0 })
    expect(setting.server.content.toString()).toBe('whatever it holds')
  })

  it('rollcall playbook add sends the commit of a repository for the server to fetch', async () => {
    const args = ['playbook', 'add', 'mysite', '--git', URL, '--commit', COMMIT, '--json']
    const { stdout } = await setting.ended(args)
    expect(added()).toEqual({ name: 'mysite', source: { kind: 'git', url: URL, commit: COMMIT } })
    expect(JSON.parse(stdout)).toMatchObject({ isNew: true, collection: { version: VERSION } })
  })

  it.each([
    [[], 'Give a folder or a .tar.gz, or --git URL with --commit ID.'],
    [['--git', URL], 'Give a folder or a .tar.gz, or --git URL with --commit ID.'],
    [['here', '--git', URL, '--commit', COMMIT], 'Give a folder or a .tar.gz, or --git URL'],
    [['/nowhere/at/all'], '/nowhere/at/all cannot be read: ENOENT'],
  ])('%j is refused with the remedy, before anything is sent', async (args, said) => {
    const { exitCode, stderr } = await setting.ended(['playbook', 'add', 'mysite', ...args])
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(said) })
    expect(setting.server.requests).toEqual([])
  })
})

describe('rollcall playbook collections and remove', () => {
  it('tell where each comes from, and remove one', async () => {
    setting.server.handlers.listCollections = () => ({
      collections: [
        view('mysite', { kind: 'git', url: URL, commit: COMMIT }),
        view('other', { kind: 'archive', sha256: VERSION }),
      ],
    })
    const { stdout } = await setting.ended(['playbook', 'collections'])
    expect(stdout).toMatch(
      /^mysite +abababababab +1 +ada .+ https:\/\/git\.example\/site\.git 4b825dc642cb +all hosts$/m,
    )
    expect(stdout).toMatch(/^other .+ an archive +all hosts$/m)
    setting.server.handlers.removeCollection = () => ({})
    expect(await setting.ended(['playbook', 'remove', 'mysite'])).toMatchObject({
      exitCode: 0,
      stdout: 'Removed mysite.\n',
    })
    expect(setting.server.requests.at(-1)).toMatchObject({
      name: 'removeCollection',
      params: { name: 'mysite' },
    })
  })
})
