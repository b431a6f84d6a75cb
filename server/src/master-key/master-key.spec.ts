import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadMasterKey } from './master-key.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'master-key-'))
  file = join(folder, 'master-key')
})
afterEach(() => rm(folder, { recursive: true }))

const refusal = expect.objectContaining({ code: 'server.config_invalid' })

it('the master key is created once, readable by its owner only, and found again', async () => {
  const made = await loadMasterKey(undefined, file)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await loadMasterKey(undefined, file)).toEqual(made)
})

it('the master key is taken from the environment without creating a file', async () => {
  const key = Buffer.alloc(32, 7)
  expect(await loadMasterKey(key.toString('base64'), file)).toEqual(key)
  await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' })
})

it('a master key that is too short, not base64 or readable by others is refused, naming its place', async () => {
  await expect(loadMasterKey('c2hvcnQ=', file)).rejects.toThrow(refusal)
  await expect(loadMasterKey('!'.repeat(44), file)).rejects.toThrow(/ROLLCALL_MASTER_KEY/)
  await writeFile(file, Buffer.alloc(32).toString('base64'))
  await chmod(file, 0o644)
  await expect(loadMasterKey(undefined, file)).rejects.toThrow(`chmod 600 ${file}`)
})
