import { describe, expect, it } from 'vitest'
import { withServer } from './setting.ts'

const setting = withServer()
const toBody = (route: string) => setting.server.requests.findLast(({ name }) => name === route)?.body

describe('rollcall saved', () => {
  const save = () =>
    setting.ended(
      [
        'saved',
        'add',
        'disk',
        '--label',
        'env=prod',
        '--batch',
        '50%',
        '--timeout',
        '20',
        '--env',
        'TOKEN',
        '--description',
        'how full',
        '--',
        'df',
        '-h',
        '/',
      ],
      { env: { TOKEN: 'hush hush' } },
    )

  it('saves, shows, changes and removes, and never shows the values of the environment', async () => {
    expect(await save()).toMatchObject({
      exitCode: 0,
      stderr: 'rollcall: saved; run it with: rollcall run --saved disk\n',
    })
    expect(toBody('addSavedCommand')).toMatchObject({
      name: 'disk',
      program: 'df',
      args: ['-h', '/'],
      timeoutMs: 20_000,
      env: { TOKEN: 'hush hush' },
      target: { labels: ['env=prod'] },
      limits: { batch: '50%' },
    })
    expect((await setting.ended(['saved'])).stdout).toMatch(
      /^NAME +WHERE +COMMAND +DESCRIPTION\ndisk +env=prod +df -h \/ +how full\n$/,
    )
    const shown = await setting.ended(['saved', 'show', 'disk'])
    expect(shown.stdout).toMatch(/^Environment +TOKEN$/m)
    expect(shown.stdout).not.toContain('hush')
    await setting.ended(['saved', 'change', 'disk', '--all', '--', 'df', '-i'])
    expect(toBody('changeSavedCommand')).toEqual({ program: 'df', args: ['-i'], target: { all: true } })
    expect((await setting.ended(['saved', 'change', 'disk'])).exitCode).toBe(2)
    await setting.ended(['saved', 'remove', 'disk'])
    expect(await setting.ended(['saved', 'show', 'disk'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('(saved_command.not_found)'),
    })
  })

  it('a saved command runs on its own hosts or on others', async () => {
    for (const name of ['a', 'b']) setting.server.addHost(name, 'online', { labels: { env: 'prod' } })
    setting.server.onCommand = (command) => command.start().write('fine\n').end()
    await save()
    const { exitCode, stdout } = await setting.ended(['run', '--saved', 'disk'])
    expect({ exitCode, stdout: stdout.split('\n').toSorted() }).toEqual({
      exitCode: 0,
      stdout: ['', 'a | fine', 'b | fine'],
    })
    expect((await setting.ended(['run', '--saved', 'disk', '--host', 'a'])).stdout).toBe('fine\n')
    for (const wrong of [['--', 'x'], ['--env', 'A=1'], ['--tty']])
      expect((await setting.ended(['run', '--saved', 'disk', ...wrong])).exitCode).toBe(2)
    expect((await setting.ended(['run', '--host', 'a'])).exitCode).toBe(2)
  })
})

describe('rollcall schedule', () => {
  const add = (...more: string[]) =>
    setting.ended([
      'schedule',
      'add',
      'nightly',
      '--cron',
      '30 2 * * *',
      '--time-zone',
      'Europe/Berlin',
      ...more,
    ])

  it('rollcall schedule add shows the next run in local time of the schedule', async () => {
    const { exitCode, stderr } = await add('--all', '--grace', '60', '--', 'backup', '--full')
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: 'rollcall: next run: 2026-03-29 03:00 (Europe/Berlin)\n',
    })
    expect(toBody('addSchedule')).toMatchObject({
      cron: '30 2 * * *',
      timeZone: 'Europe/Berlin',
      target: { all: true },
      graceMs: 60_000,
      overlap: 'skip',
      command: { program: 'backup', args: ['--full'] },
    })
  })

  it('a schedule of a saved command can be paused, resumed and removed', async () => {
    await add('--saved', 'disk', '--label', 'env=prod', '--overlap', 'allow')
    expect(toBody('addSchedule')).toMatchObject({ savedCommand: 'disk', overlap: 'allow' })
    expect((await setting.ended(['schedule', 'pause', 'nightly'])).stderr).toBe('rollcall: paused\n')
    expect((await setting.ended(['schedule'])).stdout).toMatch(
      /nightly +30 2 \* \* \* +Europe\/Berlin +paused +- +disk/,
    )
    expect((await setting.ended(['schedule', 'resume', 'nightly'])).stderr).toContain(
      'next run: 2026-03-29 03:00',
    )
    expect((await setting.ended(['schedule', 'remove', 'nightly'])).exitCode).toBe(0)
    expect((await setting.ended(['schedule', 'show', 'nightly'])).exitCode).toBe(1)
  })

  it('rollcall schedule show lists recent outcomes, harmless to the terminal', async () => {
    await add('--all', '--', 'true')
    setting.server.book.fired('nightly', {
      plannedAt: '2026-03-28T01:30:00.000Z',
      decidedAt: '2026-03-28T01:30:00.100Z',
      outcome: 'refused',
      reason: 'No host fits. (host.none_selected)',
      runId: null,
      runState: null,
    })
    const { stdout } = await setting.ended(['schedule', 'show', 'nightly'])
    expect(stdout).toMatch(/^Next +2026-03-29 03:00, 2026-03-30 02:30$/m)
    expect(stdout).toMatch(/^2026-03-28 02:30 +refused +- +No host fits. \(host.none_selected\)$/m)
  })

  it.each([
    [['--all'], 'Say what to run'],
    [['--all', '--saved', 'x', '--', 'y'], 'Say what to run'],
    [['--', 'true'], 'target: is missing'],
    [['--saved', 'x', '--env', 'A=1'], 'has its own settings'],
    [['--all', '--time-zone', 'Mars/X', '--', 'true'], 'timeZone: must be a time zone such as Europe/Berlin'],
  ])('%j is a wrong command line, and nothing is sent', async (args, said) => {
    const { exitCode, stderr } = await add(...args)
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(said) })
    expect(setting.server.requests).toEqual([])
  })
})
