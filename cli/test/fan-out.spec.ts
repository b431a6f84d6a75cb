import { describe, expect, it } from 'vitest'
import { until } from './rollcall.ts'
import { withServer } from './setting.ts'

const setting = withServer()
const toBody = () => setting.server.requests.find(({ name }) => name === 'run')?.body

/** `count` hosts with two digits. */
const addHosts = (count: number, labels: Record<string, string> = {}) => {
  for (let i = 1; i <= count; i++)
    setting.server.addHost(`web-${String(i).padStart(2, '0')}`, 'online', { labels })
}

describe('rollcall run by selectors', () => {
  it('selectors are sent to the server, and skipped hosts are reported', async () => {
    addHosts(2, { env: 'prod', zone: 'a' })
    setting.server.addHost('web-03', 'installing', { labels: { env: 'prod', zone: 'b' } })
    setting.server.addHost('db', 'online', { labels: { env: 'test' } })
    setting.server.onCommand = (command) => command.start().write('up\n').end()
    const selectors = ['--label', 'env=prod', '--label', 'zone in (a,b)']
    const { exitCode, stdout, stderr } = await setting.ended(['run', ...selectors, '--', 'uptime'])
    expect(toBody()).toMatchObject({ labels: ['env=prod', 'zone in (a,b)'] })
    expect(toBody().hosts).toBeUndefined()
    expect(stdout.split('\n').toSorted()).toEqual(['', 'web-01 | up', 'web-02 | up'])
    expect(stderr).toContain('skipped: web-03 (1 host): its agent is still being installed')
    expect(exitCode).toBe(0)
  })

  it('limits of a run are sent to the server', async () => {
    addHosts(1)
    setting.server.onCommand = (command) => command.start().end()
    const limits = ['--concurrency', '3', '--batch', '25%', '--stop-after', '2']
    await setting.ended(['run', '--all', ...limits, '--', 'true'])
    expect(toBody()).toMatchObject({
      all: true,
      limits: { concurrency: 3, batch: '25%', stopAfterFailures: 2 },
    })
  })

  it.each([
    [['--', 'true'], 'Say which hosts: --host NAME, --label SELECTOR or --all'],
    [['--all', '--host', 'a', '--', 'true'], 'Choose one of --host and --all'],
    [['--all', '--stop-after', '1', '--', 'true'], '--stop-after needs --concurrency or --batch'],
    [['--all', '--batch', '120%', '--', 'true'], 'a share from 1% to 100%'],
    [['--label', 'env in', '--', 'true'], 'labels.0: has the term "env in"'],
    [['--all', '--output', 'nicely', '--', 'true'], 'Allowed choices are stream, group, none'],
  ])('%j is a wrong command line, and nothing is sent', async (args, said) => {
    const { exitCode, stderr } = await setting.ended(['run', ...args])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(said)
    expect(setting.server.requests).toEqual([])
  })
})

describe('rollcall run on many hosts', () => {
  it('equal output is shown once under its hosts, failures last, with counts', async () => {
    addHosts(20)
    setting.server.onCommand = (command) => {
      const { name } = command.view.host
      if (name === 'web-07')
        command.start().write('disk full\n', 'stderr').end({ state: 'failed', exitCode: 28 })
      else if (name === 'web-09')
        command.end({
          state: 'lost',
          exitCode: null,
          reason: 'It fell silent.',
          reasonCode: 'command.unanswered',
        })
      else command.start().write('all well').end()
    }
    const { exitCode, stdout, stderr } = await setting.ended(['run', '--all', '--', 'check'])
    expect(stdout).toBe(
      [
        'web-[01-06,08,10-20] (18 hosts): success',
        'all well',
        '',
        'web-07 (1 host): failed, exit code 28',
        'disk full',
        '',
        'web-09 (1 host): lost: It fell silent. (command.unanswered)',
        '',
      ].join('\n'),
    )
    expect(stderr).toBe('rollcall: 20 hosts: 18 ok, 1 failed, 1 lost\n')
    expect(exitCode).toBe(1)
    expect(setting.server.live.followed).toEqual([])
  })

  it('output that is longer than the sample is read to its end', async () => {
    addHosts(2)
    const output = Array.from({ length: 2000 }, (_, i) => `line ${i}\n`).join('')
    setting.server.onCommand = (command) =>
      command.start().write(output.slice(0, 5000)).write(output.slice(5000)).end()
    const { stdout } = await setting.ended(['run', '--all', '--output', 'group', '--', 'x'])
    expect(stdout).toBe(`web-[01-02] (2 hosts): success\n${output}`)
  })

  it('--output none shows failures only', async () => {
    addHosts(3)
    setting.server.onCommand = (command) => {
      command.start().write('noise\n')
      command.end(command.view.host.name === 'web-02' ? { state: 'failed', exitCode: 1 } : {})
    }
    const { exitCode, stdout } = await setting.ended(['run', '--all', '--output', 'none', '--', 'x'])
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: 'web-02 (1 host): failed, exit code 1\n' })
  })

  it('a run that reached one host has the exit code of the program', async () => {
    addHosts(1)
    setting.server.onCommand = (command) => command.start().end({ state: 'failed', exitCode: 42 })
    expect((await setting.ended(['run', '--all', '--output', 'group', '--', 'x'])).exitCode).toBe(42)
  })

  it('survives a lost connection, and tells nothing twice', async () => {
    addHosts(12)
    const rollcall = setting.rollcall(['run', '--all', '--json', '--', 'x'])
    await until(() => setting.server.live.followedRuns.length === 1, 'it is followed')
    const [first, ...others] = setting.server.commands
    first?.start().end()
    await until(() => rollcall.stdout.includes('"success"'), 'the first end is told')
    setting.server.live.dropViewers()
    for (const command of others) command.start().write('same\n').end()
    expect(await rollcall.ended()).toBe(0)
    const ends = rollcall.lines
      .flatMap((line) => (line.type === 'run' ? (line.commands as { id: string; state: string }[]) : []))
      .filter(({ state }) => state === 'success')
    expect(ends.map(({ id }) => id).toSorted()).toEqual(
      setting.server.commands.map(({ view }) => view.id).toSorted(),
    )
    expect(rollcall.lines.map(({ type }) => type).filter((type) => type !== 'run')).toEqual([
      'accepted',
      'run-end',
      'summary',
    ])
    expect(rollcall.lines.at(-1)).toMatchObject({
      groups: [{ hosts: { length: 11 } }, { hosts: { length: 1 } }],
    })
  })

  it('Ctrl-C cancels a run as a whole with one request', async () => {
    addHosts(12)
    const rollcall = setting.rollcall(['run', '--all', '--', 'sleep', '9'])
    await until(() => setting.server.live.followedRuns.length === 1, 'it is followed')
    for (const command of setting.server.commands) command.start()
    rollcall.process.kill('SIGINT')
    await until(() => setting.server.runs[0]?.isCancelled === true, 'it is cancelled')
    for (const command of setting.server.commands) command.end({ state: 'cancelled', exitCode: null })
    expect(await rollcall.ended()).toBe(1)
    expect(setting.server.requests.filter(({ name }) => name.startsWith('cancel'))).toHaveLength(1)
    expect(rollcall.stdout).toBe('web-[01-12] (12 hosts): cancelled\n')
  })

  it('a second Ctrl-C exits and says how to see the run again', async () => {
    addHosts(12)
    const rollcall = setting.rollcall(['run', '--all', '--', 'sleep', '9'])
    await until(() => setting.server.live.followedRuns.length === 1, 'it is followed')
    rollcall.process.kill('SIGTERM')
    expect(await rollcall.ended()).toBe(143)
    expect(rollcall.stderr).toContain(`rollcall runs show ${setting.server.runs[0]?.id}`)
  })

  it('standard input goes to every host of a run', async () => {
    addHosts(2)
    setting.server.onCommand = (command) => {
      command.on('news', () => command.hasInputEnded && !command.isFinal && command.end())
      setTimeout(() => command.start(), 100)
    }
    const args = ['run', '--all', '--output', 'group', '--stdin', '--', 'cat']
    expect((await setting.ended(args, { input: 'same' })).exitCode).toBe(0)
    expect(setting.server.commands.map(({ input }) => String(input))).toEqual(['same', 'same'])
  })
})

describe('rollcall runs', () => {
  const runOnce = async () => {
    addHosts(2)
    setting.server.onCommand = (command) => command.start().write('hello\n').end()
    await setting.ended(['run', '--all', '--detach', '--', 'echo', 'hello'])
    return setting.server.runs[0]?.id ?? ''
  }

  it('rollcall runs lists the runs', async () => {
    await runOnce()
    const { stdout } = await setting.ended(['runs'])
    expect(stdout).toMatch(
      /^ID +WHERE +STATE +OK +AGO +TOOK +BY +COMMAND\n\w{8} +all +success +2\/2 .* echo hello\n$/,
    )
    expect(JSON.parse((await setting.ended(['runs', 'list', '--json'])).stdout)).toMatchObject({
      runs: [{ total: 2 }],
    })
  })

  it('rollcall runs show finds a run by a short id and shows its groups', async () => {
    const id = await runOnce()
    const { stdout } = await setting.ended(['runs', 'show', id.slice(0, 8)])
    expect(stdout).toContain(`Id         ${id}\n`)
    expect(stdout).toContain('web-[01-02] (2 hosts): success\nhello\n')
    expect(await setting.ended(['runs', 'show', 'fffffe'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('(run.not_found)'),
    })
  })

  it('rollcall runs cancel cancels a run', async () => {
    addHosts(2)
    await setting.ended(['run', '--all', '--detach', '--', 'sleep', '9'])
    const { stderr } = await setting.ended(['runs', 'cancel', setting.server.runs[0]?.id ?? ''])
    expect(stderr).toBe('rollcall: cancelling the run: 2 hosts: 2 starting\n')
  })
})
