import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withServer } from './setting.ts'

const setting = withServer()
const VALUE = 'correct horse battery'
const set = (input: string | undefined, ...args: string[]) =>
  setting.ended(['secret', 'set', 'db_password', ...args], input === undefined ? {} : { input })
const stored = () => Buffer.from(setting.server.secrets.find('db_password').data, 'base64')

describe('rollcall secret', () => {
  it('rollcall secret set takes the value from standard input byte for byte, and shows it nowhere', async () => {
    const done = await set(VALUE)
    expect(done).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: 'rollcall: db_password is set: version 1, 21 bytes\n',
    })
    expect(stored().toString()).toBe(VALUE)
    expect((await set(VALUE)).stderr).toBe('rollcall: db_password has this value already: version 1\n')
    const shown = [await setting.ended(['secret']), await setting.ended(['secret', 'show', 'db_password'])]
    expect(shown[0]?.stdout).toMatch(/^db_password +1 +21 +2026-11-30T10:00:00.000Z *$/m)
    expect(shown[1]?.stdout).toMatch(/^1 +21 +2026-11-30T10:00:00.000Z +local *$/m)
    expect(JSON.stringify(shown)).not.toContain(VALUE)
  })

  it('rollcall secret set takes any bytes from a file, and says that a line break at the end is part of them', async () => {
    const file = join(setting.server.dataDir, 'key')
    const bytes = Buffer.from([0, 255, 1, 10])
    await writeFile(file, bytes)
    const { exitCode, stderr } = await set(undefined, '--file', file)
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: expect.stringMatching(/ends with a line break.*\n.*version 1, 4 bytes/),
    })
    expect(stored()).toEqual(bytes)
  })

  it('rollcall secret set refuses a value in its arguments, an empty one, one too large, and a missing file', async () => {
    expect((await set('', VALUE)).exitCode).toBe(2)
    expect(await set('')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('is empty') })
    const large = await set('x'.repeat(65_537))
    expect(large).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('larger than 64 KiB') })
    expect(await set(undefined, '--file', '/nowhere/key')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('--file: cannot read /nowhere/key'),
    })
    expect(setting.server.requests).toEqual([])
    expect((await set('x'.repeat(65_536))).exitCode).toBe(0)
  })

  it('rollcall secret remove says who uses a secret that cannot be removed', async () => {
    await set(VALUE)
    setting.server.secrets.find('db_password').view.usedBy.push('shop/db')
    const remove = () => setting.ended(['secret', 'remove', 'db_password'])
    expect(await remove()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('shop/db') })
    setting.server.secrets.find('db_password').view.usedBy.pop()
    expect(await remove()).toMatchObject({ exitCode: 0, stderr: 'rollcall: removed\n' })
    expect((await remove()).stderr).toContain('(secret.not_found)')
  })
})
