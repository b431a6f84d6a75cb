import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { DataDir } from './data-dir.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-data-dir-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const taken = { code: 'server.config_invalid', message: expect.stringContaining('Another Rollcall server') }

it('a data folder is held by one server at a time, and free after it closes', async () => {
  const first = await DataDir.open(folder)
  await expect(DataDir.open(folder)).rejects.toMatchObject(taken)
  await first.close()
  await (await DataDir.open(folder)).close()
})

it('a data folder is free when the process that holds it dies, however it dies', async () => {
  const module = fileURLToPath(new URL('data-dir.ts', import.meta.url))
  const script = `import { DataDir } from ${JSON.stringify(module)}
    const held = await DataDir.open(process.argv[1]); console.log('held', held.path); setInterval(() => {}, 1000)`
  const child = spawn(
    process.execPath,
    ['--experimental-transform-types', '--input-type=module', '--eval', script, folder],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  await once(child.stdout, 'data')
  await expect(DataDir.open(folder)).rejects.toMatchObject(taken)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await (await DataDir.open(folder)).close()
})

it('a data folder cannot be blocked by another user of the machine', async () => {
  const name = `\0rollcall-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}`
  const squatter = createServer().listen(name)
  await once(squatter, 'listening')
  await (await DataDir.open(folder)).close()
  squatter.close()
  expect((await stat(join(folder, 'server.lock'))).mode & 0o777).toBe(0o600)
  await chmod(join(folder, 'server.lock'), 0o666)
  await (await DataDir.open(folder)).close()
  expect((await stat(join(folder, 'server.lock'))).mode & 0o777).toBe(0o600)
})

it('the lock of a data folder follows no symbolic link', async () => {
  const elsewhere = join(folder, 'elsewhere')
  await writeFile(elsewhere, '')
  await symlink(elsewhere, join(folder, 'server.lock'))
  await expect(DataDir.open(folder)).rejects.toMatchObject({
    code: 'server.config_invalid',
    message: expect.stringContaining('server.lock'),
  })
})
