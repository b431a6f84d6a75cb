import { spawnSync } from 'node:child_process'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { API_KEY } from './fake-server.ts'
import { withServer } from './setting.ts'

const setting = withServer()

describe('finding the server', () => {
  it('by its address and key', async () => {
    const env = {
      ROLLCALL_DATA_DIR: '/nonexistent',
      ROLLCALL_URL: `${setting.server.url}/`,
      ROLLCALL_API_KEY: API_KEY,
    }
    expect(await setting.ended(['host', 'list'], { env })).toMatchObject({ exitCode: 0 })
  })

  it('the local key is never sent to a server named by its address', async () => {
    const result = await setting.ended(['host', 'list'], { env: { ROLLCALL_URL: setting.server.url } })
    expect(result).toMatchObject({ exitCode: 2, stdout: '' })
    expect(result.stderr).toContain('ROLLCALL_API_KEY is not')
    expect(setting.server.requests).toEqual([])
  })

  it('a missing server is reported with how to start one', async () => {
    const result = await setting.ended(['run', '--host', 'a', '--', 'x'], {
      env: { ROLLCALL_DATA_DIR: '/nonexistent' },
    })
    expect(result.exitCode).toBe(1)
    expect(result.stderr).toMatch(
      /^error: No Rollcall server is running here: there is no \/nonexistent\/server\.json\. .*npm start/,
    )
  })

  it('a server that died and left its address behind is reported as missing', async () => {
    const { pid } = spawnSync('true')
    await setting.server.crash()
    await writeFile(
      join(setting.server.dataDir, 'server.json'),
      JSON.stringify({ url: setting.server.url, pid }),
    )
    const result = await setting.ended(['host', 'list'])
    expect(result.exitCode).toBe(1)
    expect(result.stderr).toContain(`process ${pid}, which listened on ${setting.server.url}, is gone`)
  })

  it('a key that is missing, unreadable, malformed or unknown is reported', async () => {
    const path = join(setting.server.dataDir, 'api-key')
    await rm(path)
    expect((await setting.ended(['host', 'list'])).stderr).toContain(`Cannot read ${path}`)
    await mkdir(path)
    await chmod(path, 0o000)
    expect((await setting.ended(['host', 'list'])).stderr).toContain(`Cannot read ${path}`)
    await rm(path, { recursive: true })
    await writeFile(path, 'two words\n')
    const none = await setting.ended(['host', 'list'])
    expect(none.stderr).toContain('does not hold an API key')
    expect(none.stderr).not.toContain('two words')
    await writeFile(path, 'rck_another\n')
    const unknown = await setting.ended(['host', 'list'])
    expect(unknown.exitCode).toBe(1)
    expect(unknown.stderr).toContain('(request.unauthenticated)')
    expect(unknown.stderr).not.toContain('rck_another')
  })

  it('another web server is recognised as not being Rollcall', async () => {
    const env = { ROLLCALL_URL: `${setting.server.url}/not/here`, ROLLCALL_API_KEY: API_KEY }
    expect((await setting.ended(['host', 'list'], { env })).stderr).toContain('(request.not_found)')
    const bad = await setting.ended(['host', 'list'], {
      env: { ...env, ROLLCALL_URL: 'http://user:pw@localhost' },
    })
    expect(bad.exitCode).toBe(2)
    expect(bad.stderr).not.toContain('pw@')
  })
})

describe('wrong command lines', () => {
  it.each([
    [[]],
    [['nonsense']],
    [['host']],
    [['host', 'add', 'demo-1']],
    [['host', 'show']],
    [['host', 'show', '..']],
    [['run', '--host', 'a']],
    [['run', '--', 'uptime']],
    [['run', '--host', 'a', '--timeout', '5m', '--', 'x']],
    [['run', '--host', 'a', '--timeout', '0', '--', 'x']],
    [['run', '--host', 'a', '--env', 'NOT_SET_ANYWHERE', '--', 'x']],
    [['run', '--host', 'a', '--cwd', 'relative', '--', 'x']],
    [['run', '--host', 'a', '--detach', '--stdin', '--', 'x']],
    [['command', 'list', '--state', 'odd']],
    [['command', 'list', '--limit', '1001']],
    [['command', 'list', '--run', 'no-uuid']],
    [['command', 'log', 'abcdef12', '--offset', '-1']],
    [['status', 'extra']],
    [['watch', 'extra']],
    [['host', 'list', '--state', 'odd']],
    [['host', 'list', '--label', 'env']],
    [['host', 'status']],
    [['host', 'history', 'a', '--limit', '0']],
    [['host', 'samples', 'a', '--resolution', '1d']],
    [['profile', 'remove']],
  ])('%j exits with 2, says why on stderr, and asks the server for nothing', async (args) => {
    const { exitCode, stdout, stderr } = await setting.ended(args)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).not.toMatch(/^ +at /m)
    expect(stderr.length).toBeGreaterThan(10)
    expect(setting.server.requests).toEqual([])
  })

  it.each([
    [['--help']],
    [['run', '--help']],
    [['host', 'add', '--help']],
    [['command', 'log', '--help']],
    [['watch', '--help']],
    [['profile', 'set', '--help']],
    [['--version']],
  ])('%j answers on stdout and exits with 0', async (args) => {
    const { exitCode, stdout, stderr } = await setting.ended(args)
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).not.toBe('')
  })
})
