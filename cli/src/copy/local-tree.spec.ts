import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readLocalFile, readLocalTree } from './local-tree.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-local-'))
})
afterEach(() => rm(folder, { recursive: true }))

const named = (start: string, byte: number) => Buffer.concat([Buffer.from(start), Buffer.from([byte])])

it('only names and link targets that are not UTF-8 are skipped, and reported', async () => {
  await mkdir(join(folder, 'empty'))
  await writeFile(named(`${folder}/name-`, 0xfc), 'x')
  await symlink(named('/target-', 0xfc), join(folder, 'bad-link'))
  await symlink('nowhere', join(folder, 'good-link'))
  const notices: string[] = []
  const { entries } = await readLocalTree(folder, (path, why) => notices.push(`${path} ${why}`))
  expect(entries.map(({ path }) => path)).toEqual(['empty', 'good-link'])
  expect(notices.sort()).toEqual([
    'bad-link is skipped: it is a symbolic link to a name that is not UTF-8',
    'name-\ufffd is skipped: its name is not UTF-8',
  ])
})

it('set-id bits and milliseconds of a tree are in its list', async () => {
  const file = join(folder, 'tool')
  await writeFile(file, 'x')
  await chmod(file, 0o4755)
  await utimes(file, 1, 1_600_000_000.1235)
  const notices: string[] = []
  const { entries } = await readLocalTree(folder, (path, why) => notices.push(`${path} ${why}`))
  expect(entries).toEqual([expect.objectContaining({ mode: 0o4755, mtime_ms: 1_600_000_000_123 })])
  expect(notices).toEqual(['tool is set-user-id, also on the host'])
  expect(await readLocalFile(file)).toMatchObject({ mode: 0o755, setIdBits: 0o4000 })
})
