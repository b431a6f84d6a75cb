import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Blob, type BlobStore, memoryBlob } from '../blobs/index.ts'
import { createTar } from '../platform/archives/tar-archive.ts'
import { ManualClock } from '../platform/testing/manual-clock.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { Catalogue } from './catalogue.ts'
import { CollectionUses } from './collection-uses.ts'
import { CollectionsRepository } from './collections.repository.ts'
import { CollectionsService } from './collections.service.ts'
import type { GitCommit, GitSource } from './git/git-source.ts'

const COMMIT = 'c'.repeat(40)
const clock = new ManualClock('2026-01-01T00:00:00Z')

let test: TestDatabase
let rows: CollectionsRepository
let service: CollectionsService
let catalogue: Catalogue
const blobs = new Map<string, Blob>()
const asked: GitCommit[] = []

beforeAll(async () => {
  test = await TestDatabase.open()
  rows = new CollectionsRepository(test.database, new CollectionUses())
  const git = {
    archive: async (commit: GitCommit) => {
      asked.push(commit)
      return toTar('from git')
    },
  }
  const store = { find: async (sha256: string) => blobs.get(sha256) ?? null }
  service = new CollectionsService(rows, store as BlobStore, git as unknown as GitSource, clock)
  catalogue = new Catalogue(rows)
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.empty('playbook_collection')
})

const toTar = (title: string, more: Record<string, string> = {}) =>
  createTar(
    Object.entries({ 'site.yml': `- name: ${title}\n  hosts: all\n`, ...more }).map(([path, text]) => ({
      path,
      data: Buffer.from(text),
    })),
  )

/** As if it had come by `POST /api/contents`. */
async function content(data: Buffer): Promise<{ kind: 'archive'; sha256: string }> {
  const sha256 = createHash('sha256').update(data).digest('hex')
  blobs.set(sha256, await memoryBlob(data))
  return { kind: 'archive', sha256 }
}

async function add(title: string, name = 'mysite', more: Record<string, string> = {}) {
  clock.advance(1000)
  return service.add({ name, source: await content(gzipSync(toTar(title, more))), labels: null }, 'ada')
}

const count = async () =>
  (await test.database.pool.query('SELECT count(*)::int AS n FROM playbook_collection_version')).rows[0].n

describe("users' own playbooks", () => {
  it("users' playbooks are listed beside those that ship, under the name of their collection, with the version in use", async () => {
    const first = await add('One')
    const second = await add('Two')
    expect([first.isNew, second.isNew]).toEqual([true, true])
    const found = await catalogue.find('mysite/site', null)
    expect(found).toMatchObject({ title: 'Two', version: second.collection.version })
    const names = (await catalogue.list(null)).map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['check_service', 'mysite/site']))
    expect(await service.list(null)).toMatchObject([{ name: 'mysite', addedBy: 'ada', fileCount: 1 }])
  })

  it("users' playbooks that are added again change nothing, and an earlier version comes back", async () => {
    const { collection } = await add('One')
    expect((await add('One')).isNew).toBe(false)
    await add('Two')
    expect((await add('One')).collection.version).toBe(collection.version)
    expect(await count()).toBe(2)
    expect((await catalogue.find('mysite/site', null)).title).toBe('One')
  })

  it("users' playbooks are kept in a few versions, so that an earlier plan can be applied", async () => {
    const first = await add('First')
    for (let i = 0; i < 4; i++) await add(`Title ${i}`)
    const kept = await rows.files('mysite', first.collection.version)
    expect(kept.map(({ path, mode }) => [path, mode])).toEqual([['site.yml', 0o600]])
    expect(kept[0]?.data.toString()).toContain('First')
    await add('Last')
    expect(await rows.files('mysite', first.collection.version)).toEqual([])
    expect(await count()).toBe(5)
  })

  it('playbooks from a repository are those of the commit that was named', async () => {
    const source = { kind: 'git' as const, url: 'https://git.example/site.git', commit: COMMIT }
    const { collection } = await service.add({ name: 'mysite', source, labels: null }, 'ada')
    expect(asked).toMatchObject([{ url: source.url, commit: COMMIT }])
    expect((await rows.find('mysite'))?.source).toEqual(source)
    expect(collection.playbooks).toMatchObject([{ name: 'mysite/site', title: 'from git' }])
  })

  it("users' playbooks that are removed cannot be removed twice", async () => {
    await add('One')
    await service.remove('mysite')
    expect(await count()).toBe(0)
    await expect(service.remove('mysite')).rejects.toMatchObject({ code: 'collection.not_found' })
    await expect(catalogue.find('mysite/site', null)).rejects.toMatchObject({ code: 'playbook.not_found' })
  })

  it('more than fifty collections are refused', async () => {
    for (let i = 0; i < 50; i++) await add('One', `c${i}`)
    await expect(add('One', 'c50')).rejects.toMatchObject({ code: 'collection.too_many' })
    await expect(add('Two', 'c49')).resolves.toMatchObject({ isNew: true })
  })
})

describe('what is not right stores nothing', () => {
  const refused = async (data: Buffer, code: string) => {
    await expect(
      service.add({ name: 'mysite', source: await content(data), labels: null }, 'ada'),
    ).rejects.toMatchObject({ code })
    expect(await count()).toBe(0)
  }

  it('a playbook that does not parse, told with its file and line', async () => {
    await expect(add('One', 'mysite', { 'other.yml': '- hosts: all\n  roles: [a\n' })).rejects.toMatchObject({
      code: 'collection.refused',
      fields: [{ field: expect.stringMatching(/^other\.yml:[23]$/) }],
    })
    expect(await count()).toBe(0)
  })

  it('an archive that is none, is cut, or is a bomb', async () => {
    await refused(Buffer.from('- hosts: all\n'), 'collection.refused')
    await refused(gzipSync(toTar('One')).subarray(0, 60), 'collection.refused')
    await refused(gzipSync(Buffer.alloc(17 * 1024 * 1024)), 'collection.refused')
    await refused(Buffer.alloc(9 * 1024 * 1024), 'collection.refused')
  })

  it('a member that leads elsewhere, or is a link', async () => {
    const member = (change: (header: Buffer) => void) => {
      const tar = toTar('One')
      change(tar)
      tar.write('        ', 148)
      const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0)
      tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
      return gzipSync(tar)
    }
    await refused(
      member((header) => header.write('../x.yml\0', 0)),
      'file.path_refused',
    )
    await refused(
      member((header) => header.write('/x.yml\0', 0)),
      'file.path_refused',
    )
    for (const type of ['1', '2', '3', '6'])
      await refused(
        member((header) => header.write(type, 156)),
        'file.path_refused',
      )
  })

  it('content that the server was not given', async () => {
    const source = { kind: 'archive' as const, sha256: '0'.repeat(64) }
    await expect(service.add({ name: 'mysite', source, labels: null }, 'ada')).rejects.toMatchObject({
      code: 'file.content_gone',
    })
  })
})
