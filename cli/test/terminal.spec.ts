import { describe, expect, it } from 'vitest'
import { hasScript, atTerminal as openTerminal } from './at-terminal.ts'
import { until } from './rollcall.ts'
import { withServer } from './setting.ts'

const setting = withServer()
const atTerminal = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  openTerminal(setting.server.dataDir, args, env)

const input = () => setting.server.commands[0]?.input.toString()

describe.skipIf(!hasScript)('at a terminal', () => {
  it('--tty sends every key, Ctrl-C too, and the size, and gives the terminal back', async () => {
    setting.server.addHost('demo-1')
    const terminal = atTerminal(['run', '--host', 'demo-1', '--tty', '--', 'sh'])
    await until(() => setting.server.live.followed.length === 1, 'it follows')
    const command = setting.server.commands[0]?.start()
    await until(() => command?.sizes.length === 1, 'the size is sent')
    expect(command?.sizes).toEqual([{ columns: 100, rows: 30 }])
    terminal.type('top\r\x03')
    await until(() => input() === 'top\r\x03', 'every key arrives')
    expect(command?.view.cancelRequested).toBe(false)
    command?.write('\x1b[2Jraw').end({ state: 'failed', exitCode: 5 })
    const shown = await terminal.ended()
    expect(shown).toContain('\x1b[2Jraw')
    expect(shown).toContain('code=5')
    expect(shown).toMatch(/ icanon.* echo /s)
  })

  it('--tty: ~. leaves while the server is away, and gives the terminal back', async () => {
    setting.server.addHost('demo-1')
    const terminal = atTerminal(['run', '--host', 'demo-1', '--tty', '--', 'sh'])
    await until(() => setting.server.live.followed.length === 1, 'it follows')
    const command = setting.server.commands[0]?.start()
    await until(() => command?.sizes.length === 1, 'the terminal is handed over')
    await setting.server.crash()
    await until(() => terminal.shown.includes('connection lost'), 'it says so')
    terminal.type('~.')
    const shown = await terminal.ended()
    expect(shown).toContain('code=130')
    expect(shown).toContain('the command continues')
    expect(shown).toMatch(/ icanon.* echo /s)
  })

  it('a password is asked for and not shown', async () => {
    const terminal = atTerminal(['host', 'add', 'demo-1', '--address', '192.0.2.10'])
    await until(() => terminal.shown.includes('SSH password of root@192.0.2.10: '), 'it asks')
    terminal.type('wrong\x15s3crex\x7ftä\x7fä\r')
    const shown = await terminal.ended()
    expect(shown).toContain('code=0')
    expect(setting.server.requests.find(({ name }) => name === 'addHost')?.body.credential.password).toBe(
      's3cretä',
    )
    expect(shown).not.toMatch(/wrong|s3cre/)
    expect(shown).toMatch(/ icanon.* echo /s)
  })

  it('Ctrl-C at the password leaves without adding anything', async () => {
    const terminal = atTerminal(['host', 'add', 'demo-1', '--address', '192.0.2.10'])
    await until(() => terminal.shown.includes('SSH password'), 'it asks')
    terminal.type('half\x03')
    expect(await terminal.ended()).toContain('code=130')
    expect(setting.server.requests).toEqual([])
  })

  it('prefixes are coloured, and with NO_COLOR they are not', async () => {
    for (const name of ['a', 'b']) setting.server.addHost(name)
    setting.server.onCommand = (command) => command.start().write('hello\n').end()
    expect(await atTerminal(['run', '--host', 'a,b', '--', 'x']).ended()).toContain(
      '\x1b[36ma |\x1b[0m hello',
    )
    expect(await atTerminal(['run', '--host', 'a,b', '--', 'x'], { NO_COLOR: '1' }).ended()).toContain(
      'a | hello',
    )
  })
})
