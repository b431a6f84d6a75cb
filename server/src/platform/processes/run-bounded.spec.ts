import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { runBounded } from './run-bounded.ts'

const run = (script: string, bounds: object = {}) =>
  runBounded({
    argv: ['/bin/sh', '-c', script],
    env: { PATH: '/usr/bin:/bin' },
    cwd: tmpdir(),
    timeoutMs: 60_000,
    maxStdoutBytes: 1000,
    ...bounds,
  })

describe('a program that is run within bounds', () => {
  it('a bounded program ends with its own exit code and whole output', async () => {
    const end = await run('echo out; echo err >&2; exit 3')
    expect(end).toMatchObject({ exitCode: 3, stderr: 'err\n', endedBy: null })
    expect(end.stdout.toString()).toBe('out\n')
  })

  it('a bounded program is killed with its children at its timeout', async () => {
    // The child would hold the pipes open for ten minutes.
    expect(await run('sleep 600 & wait', { timeoutMs: 100 })).toMatchObject({
      exitCode: null,
      endedBy: 'time',
    })
  })

  it('a bounded program is killed when it prints too much', async () => {
    const end = await run('while :; do echo xxxxxxxxxxxxxxxx; done')
    expect(end).toMatchObject({ exitCode: null, endedBy: 'size' })
    expect(end.stdout.length).toBeLessThanOrEqual(1000)
  })

  it('a bounded program that does not exist is reported', async () => {
    const program = { argv: ['/no/such/program'] as [string], env: {}, cwd: tmpdir() }
    await expect(runBounded({ ...program, timeoutMs: 1000, maxStdoutBytes: 1 })).rejects.toMatchObject({
      code: 'server.config_invalid',
    })
  })
})
