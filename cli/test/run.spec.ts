import { RollcallError } from '@rollcall/contracts'
import { describe, expect, it } from 'vitest'
import { until } from './rollcall.ts'
import { withServer } from './setting.ts'

const setting = withServer()

describe('rollcall run on one host', () => {
  it('rollcall run passes bytes through unchanged, each stream to its own, even a character cut in two', async () => {
    const bytes = Buffer.from([0x00, 0xff, 0xc3, 0x0a, 0xe2, 0x82])
    setting.server.addHost('demo-1')
    setting.server.onCommand = (command) =>
      command
        .start()
        .write(bytes)
        .write('to stderr\n', 'stderr')
        .write(Buffer.from([0xac]))
        .write('no newline at the end')
        .end()
    const rollcall = setting.rollcall(['run', '--host', 'demo-1', '--', 'ls', '-l', '--', '--host'])
    expect(await rollcall.ended()).toBe(0)
    expect(rollcall.bytes).toEqual(
      Buffer.concat([bytes, Buffer.from([0xac]), Buffer.from('no newline at the end')]),
    )
    expect(rollcall.stderr).toBe('to stderr\n')
    expect(setting.server.requests.find(({ name }) => name === 'run')?.body).toMatchObject({
      program: 'ls',
      args: ['-l', '--', '--host'],
    })
  })

  it('rollcall run shows output while the program still runs', async () => {
    setting.server.addHost('demo-1')
    const rollcall = setting.rollcall(['run', '--host', 'demo-1', '--', 'tail'])
    await until(() => setting.server.live.followed.length === 1, 'it follows')
    setting.server.commands[0]?.start().write('first')
    await until(() => rollcall.stdout === 'first', 'the first words are shown')
    setting.server.commands[0]?.end({ state: 'failed', exitCode: 3 })
    expect(await rollcall.ended()).toBe(3)
  })

  it.each([
    ['its own code', { state: 'failed', exitCode: 42 }, 42, ''],
    ['a signal', { state: 'failed', exitCode: null, signal: 'SIGKILL' }, 137, 'demo-1: ended by SIGKILL'],
    [
      'a timeout',
      { state: 'timed_out', exitCode: null, signal: 'SIGTERM' },
      124,
      'demo-1: timed out after 5 s',
    ],
    ['a cancellation', { state: 'cancelled', exitCode: null }, 130, 'demo-1: cancelled'],
    [
      'a loss',
      { state: 'lost', exitCode: null, reason: 'The agent fell silent.', reasonCode: 'command.unanswered' },
      1,
      'demo-1: lost: The agent fell silent. (command.unanswered)',
    ],
    [
      'a program that is not there',
      { state: 'failed', exitCode: null, reason: 'no such program', reasonCode: 'command.start_failed' },
      1,
      'demo-1: failed: no such program (command.start_failed)',
    ],
  ] as const)('rollcall run exits with the code of %s', async (_what, ending, code, said) => {
    setting.server.addHost('demo-1')
    setting.server.onCommand = (command) => command.start().end(ending)
    const { exitCode, stderr } = await setting.ended(['run', '--host', 'demo-1', '--timeout', '5', '--', 'x'])
    expect(exitCode).toBe(code)
    expect(stderr).toContain(said)
    if (said === '') expect(stderr).toBe('')
  })

  it('standard input reaches the program once and in order, with its end, although the server is busy at times', async () => {
    setting.server.addHost('demo-1')
    let refusals = 0
    setting.server.onRequest = ({ name }) => {
      if (name !== 'writeInput') return 'answer'
      refusals++
      if (refusals === 1) throw new RollcallError('agent.unreachable', 'The agent does not answer.')
      return refusals === 2 ? 'lose' : 'answer'
    }
    const input = Array.from({ length: 30_000 }, (_, i) => `line ${i}\n`).join('')
    setting.server.onCommand = (command) => {
      setTimeout(() => command.start(), 100)
      command.on('news', () => {
        if (command.hasInputEnded && command.chunks.length === 0)
          command.write(String(command.input.length)).end()
      })
    }
    const { exitCode, stdout } = await setting.ended(
      ['run', '--host', 'demo-1', '--stdin', '--', 'wc', '-c'],
      { input },
    )
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: String(input.length) })
    expect(String(setting.server.commands[0]?.input)).toBe(input)
  })

  it('rollcall run does not read standard input without --stdin', async () => {
    setting.server.addHost('demo-1')
    setting.server.onCommand = (command) => command.start().end()
    await setting.ended(['run', '--host', 'demo-1', '--', 'true'], { input: 'for somebody else' })
    expect(setting.server.requests.filter(({ name }) => name === 'writeInput')).toEqual([])
  })

  it('a request whose answer was lost is sent again, and the program runs once', async () => {
    setting.server.addHost('demo-1')
    setting.server.onCommand = (command) => command.start().write('once\n').end()
    let isFirst = true
    setting.server.onRequest = ({ name }) => {
      if (name !== 'run' || !isFirst) return 'answer'
      isFirst = false
      return 'lose'
    }
    const { exitCode, stdout, stderr } = await setting.ended(['run', '--host', 'demo-1', '--', 'true'])
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'once\n' })
    expect(stderr).toContain('retrying')
    expect(setting.server.commands).toHaveLength(1)
  })

  it('rollcall run sends all settings, with environment values that were never in argv', async () => {
    setting.server.addHost('demo-1')
    setting.server.onCommand = (command) => command.start().end()
    const options = [
      '--timeout',
      '1.5',
      '--start-within',
      '20',
      '--cwd',
      '/srv',
      '--env',
      'A=1=2',
      '--env',
      'TOKEN',
      '--tty',
    ]
    await setting.ended(['run', '--host', 'demo-1', ...options, '--', 'x'], { env: { TOKEN: 'hidden' } })
    expect(setting.server.requests.find(({ name }) => name === 'run')?.body).toMatchObject({
      timeoutMs: 1500,
      startWithinMs: 20_000,
      cwd: '/srv',
      env: { A: '1=2', TOKEN: 'hidden' },
      tty: true,
      stdin: false,
    })
  })
})

describe('rollcall run on several hosts', () => {
  it('lines of different hosts are never mixed, and a summary follows', async () => {
    for (const name of ['a', 'demo-2']) setting.server.addHost(name)
    const rollcall = setting.rollcall(['run', '--host', 'a,demo-2', '--host', 'a', '--', 'x'])
    await until(() => setting.server.live.followed.length === 2, 'both are followed')
    const [second, first] = setting.server.commands
    const euro = Buffer.from('€')
    first?.start().write('one ')
    second?.start().write('zwei ').write('oops ', 'stderr')
    first?.write(euro.subarray(0, 1))
    second?.write('drei\nvier')
    first?.write(euro.subarray(1)).write('\n').end()
    second?.write('again\n', 'stderr').end({ state: 'failed', exitCode: 7 })
    expect(await rollcall.ended()).toBe(1)
    expect(rollcall.stdout.split('\n').toSorted()).toEqual([
      '',
      'a      | one €',
      'demo-2 | vier',
      'demo-2 | zwei drei',
    ])
    expect(rollcall.stderr).toContain('demo-2 | oops again\n')
    expect(rollcall.stderr).toMatch(
      /HOST +STATE +EXIT +TOOK\na +success +0 +\d+ ms\ndemo-2 +failed +7 +\d+ ms\n$/,
    )
  })

  it('lines stay whole without prefixes too', async () => {
    for (const name of ['a', 'b']) setting.server.addHost(name)
    setting.server.onCommand = (command) => command.start().write('partial').end()
    const { exitCode, stdout } = await setting.ended(['run', '--host', 'a,b', '--no-prefix', '--', 'x'])
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'partial\npartial\n' })
  })

  it('each host gets the same standard input', async () => {
    for (const name of ['a', 'b']) setting.server.addHost(name)
    setting.server.onCommand = (command) => {
      command.on('news', () => command.hasInputEnded && !command.isFinal && command.end())
      command.start()
    }
    expect(
      (await setting.ended(['run', '--host', 'a,b', '--stdin', '--', 'cat'], { input: 'same' })).exitCode,
    ).toBe(0)
    expect(setting.server.commands.map(({ input }) => String(input))).toEqual(['same', 'same'])
  })

  it('fails when one of them cannot be followed any more, and shows the others to the end', async () => {
    for (const name of ['a', 'b']) setting.server.addHost(name)
    const rollcall = setting.rollcall(['run', '--host', 'a,b', '--', 'x'])
    setting.server.live.onLive = (event) =>
      event.type === 'command' && event.command.host.name === 'b'
        ? [{ type: 'error', commandId: event.command.id, code: 'command.not_found', message: 'It is gone.' }]
        : [event]
    await until(() => setting.server.live.followed.length === 2, 'both are followed')
    setting.server.commands[1]?.start().write('still here\n').end()
    expect(await rollcall.ended()).toBe(1)
    expect(rollcall.stdout).toBe('a | still here\n')
    expect(rollcall.stderr).toContain('b: It is gone. (command.not_found)')
  })
})

describe('rollcall run --json and --detach', () => {
  it('prints lines that a program can read: what was accepted, every byte, every state, the end', async () => {
    setting.server.addHost('demo-1')
    setting.server.onCommand = (command) =>
      command
        .start()
        .write(Buffer.from([0xff, 0x0a]))
        .end({ state: 'failed', exitCode: 9 })
    const rollcall = setting.rollcall(['run', '--host', 'demo-1', '--json', '--', 'x'])
    expect(await rollcall.ended()).toBe(9)
    const { id } = setting.server.commands[0]?.view ?? {}
    expect(rollcall.lines).toMatchObject([
      { type: 'accepted', runId: expect.any(String), commands: [{ id }] },
      { type: 'output', commandId: id, host: 'demo-1', stream: 'stdout', offset: 0, data: '/wo=' },
      { type: 'command', command: { id, state: 'failed' } },
      { type: 'end', command: { id, exitCode: 9 } },
    ])
    expect(rollcall.stderr).toBe('')
  })

  it('--detach prints ids and leaves without waiting', async () => {
    for (const name of ['a', 'b']) setting.server.addHost(name)
    const { exitCode, stdout } = await setting.ended(['run', '--host', 'a,b', '--detach', '--', 'sleep', '9'])
    const [second, first] = setting.server.commands.map(({ view }) => view.id)
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${first}  a\n${second}  b\n` })
    const json = await setting.ended(['run', '--host', 'a', '--detach', '--json', '--', 'sleep', '9'])
    expect(JSON.parse(json.stdout)).toMatchObject({ commands: [{ host: { name: 'a' }, state: 'pending' }] })
  })
})
