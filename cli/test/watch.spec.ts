import { describe, expect, it } from 'vitest'
import { atTerminal, hasScript } from './at-terminal.ts'
import { fakeAgent } from './fake-fleet.ts'
import { until } from './rollcall.ts'
import { withServer } from './setting.ts'

const setting = withServer()
const SINCE = '2026-03-01T10:00:00.500Z'
const offline = {
  state: 'offline',
  stateCode: 'agent.unreachable',
  stateReason: 'No answer to 4 calls.',
  stateSince: SINCE,
} as const

/** Changes a host, and tells those who watch. */
function change(name: string, more: Partial<typeof offline> | { state: 'online'; stateSince: string }) {
  const host = Object.assign(setting.server.hosts.get(name) ?? {}, more)
  setting.server.live.tellFleet([{ hostId: idOf(name), ...more }])
  return host
}
const idOf = (name: string) => setting.server.hosts.get(name)?.id ?? ''

async function watching(args: string[] = [], env: NodeJS.ProcessEnv = {}) {
  const rollcall = setting.rollcall(['watch', ...args], env)
  await until(() => rollcall.stderr.includes('watching ') || rollcall.stdout !== '', 'the fleet is known')
  return rollcall
}

describe('rollcall watch, where its output is no terminal', () => {
  it('rollcall watch prints one line for each change of state, and nothing else', async () => {
    for (const name of ['a', 'b', 'c']) setting.server.addHost(name)
    setting.server.addHost('d', 'offline')
    const rollcall = await watching()
    expect(rollcall.stderr).toBe('rollcall: watching 4 hosts: 3 online, 1 offline\n')
    change('b', offline)
    setting.server.live.tellFleet([{ hostId: idOf('a'), cpuPercent: 99 }])
    setting.server.live.tellFleet([], [idOf('c')])
    await until(() => rollcall.stdout.split('\n').length > 2, 'both changes are told')
    const [first, second] = rollcall.stdout.split('\n')
    expect(first).toBe('2026-03-01T10:00:00Z  b  online → offline  No answer to 4 calls. (agent.unreachable)')
    expect(second).toMatch(/^\S+Z {2}c {2}online → removed$/)
    rollcall.process.kill('SIGINT')
    expect(await rollcall.ended()).toBe(130)
    expect(rollcall.stdout.split('\n')).toHaveLength(3)
  })

  it('rollcall watch continues after a restart of the server, and shows what changed meanwhile', async () => {
    for (const name of ['a', 'b']) setting.server.addHost(name)
    const rollcall = await watching()
    await setting.server.crash()
    Object.assign(setting.server.hosts.get('a') ?? {}, offline)
    await until(() => rollcall.stderr.includes('connection lost, reconnecting…'), 'it says so')
    await setting.server.listen(0)
    await until(() => rollcall.stdout !== '', 'the change is told')
    expect(rollcall.stdout).toContain('  a  online → offline  ')
    change('b', offline)
    await until(() => rollcall.stdout.includes('  b  online → offline  '), 'it goes on')
    expect(rollcall.stdout.split('\n')).toHaveLength(3)
    expect(rollcall.stderr).toContain('rollcall: connected again\n')
  })

  it('rollcall watch requests a new snapshot after a difference that it cannot apply', async () => {
    setting.server.addHost('a')
    const rollcall = await watching()
    setting.server.addHost('b', 'degraded')
    setting.server.live.tellFleet([{ hostId: idOf('b'), cpuPercent: 99 }])
    await until(() => rollcall.stdout !== '', 'the new host is told')
    expect(rollcall.stdout).toMatch(/ {2}b {2}new → degraded\n$/)
    expect(setting.server.live.fleetRequests).toBe(2)
  })

  it('rollcall watch gives up after the time set', async () => {
    setting.server.addHost('a')
    const rollcall = await watching([], { ROLLCALL_RECONNECT_SECONDS: '1' })
    await setting.server.crash()
    expect(await rollcall.ended()).toBe(1)
    expect(rollcall.stderr).toContain('error: Gave up following: no answer from the server for 1 s.')
  })

  it('rollcall watch fails at once if no server runs or its key is refused', async () => {
    const refused = await setting.ended(['watch'], {
      env: { ROLLCALL_URL: setting.server.url, ROLLCALL_API_KEY: 'rck_wrong' },
    })
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('request.unauthenticated') })
    await setting.server.crash()
    expect(await setting.ended(['watch'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('does not answer: ECONNREFUSED'),
    })
  })

  it('--json tells the counts and then every change as an object', async () => {
    setting.server.addHost('a')
    const rollcall = await watching(['--json'])
    change('a', offline)
    await until(() => rollcall.lines.length > 1, 'the change is told')
    expect(rollcall.lines).toEqual([
      { type: 'fleet', total: 1, states: { online: 1 } },
      {
        type: 'change',
        at: SINCE,
        hostId: idOf('a'),
        host: 'a',
        from: 'online',
        to: 'offline',
        code: 'agent.unreachable',
        reason: 'No answer to 4 calls.',
      },
    ])
  })

  it('rollcall watch lets no code of the server act on the terminal', async () => {
    const host = setting.server.addHost('a')
    const rollcall = await watching()
    const evil = fakeAgent(host, { state: 'degraded', stateCode: '\x1b[2J\nb  online → offline' })
    setting.server.live.tellFleet([evil])
    await until(() => rollcall.stdout !== '', 'the change is told')
    expect(rollcall.stdout).toMatch(/ {2}a {2}online → degraded {2}\uFFFD\[2J\uFFFDb {2}online → offline\n$/)
  })
})

describe.skipIf(!hasScript)('rollcall watch at a terminal', () => {
  const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l'
  const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l'
  const open = (env: NodeJS.ProcessEnv = {}) => atTerminal(setting.server.dataDir, ['watch'], env)

  it('the screen shows problems first, is redrawn on changes, and restores the terminal on Ctrl-C', async () => {
    for (const name of ['a', 'b']) setting.server.addHost(name)
    const terminal = open()
    await until(() => terminal.shown.includes('2 hosts: 2 online'), 'the fleet is drawn')
    expect(terminal.shown.indexOf(ENTER)).toBe(0)
    change('b', offline)
    // One frame may arrive in pieces, so the whole of what is looked for is waited for.
    const drawn =
      /2 hosts: 1 online, 1 offline(?:(?!\x1b\[H).)*\x1b\[31mb {5}offline \(agent\.unreachable\)(?:(?!\x1b\[H).)*\x1b\[2Ka {5}online/s
    await until(() => drawn.test(terminal.shown), 'the change is drawn, and what is not well stands first')
    terminal.type('\x03')
    const shown = await terminal.ended()
    expect(shown).toContain('code=130')
    expect(shown.split(ENTER)).toHaveLength(2)
    expect(shown.split(LEAVE)).toHaveLength(2)
    expect(shown.slice(shown.indexOf(LEAVE) + LEAVE.length)).not.toMatch(/\x1b/)
  })

  it('the screen restores the terminal on Ctrl-Z, and is redrawn afterwards', async () => {
    setting.server.addHost('a')
    const terminal = open()
    await until(() => terminal.shown.includes('1 host: 1 online'), 'the fleet is drawn')
    terminal.type('\x1a')
    await until(() => terminal.shown.includes('stopped'), 'it is stopped')
    expect(terminal.shown).toMatch(/\x1b\[\?1049l.*stopped/s)
    expect(terminal.shown.split(ENTER)).toHaveLength(2)
    terminal.type('\r')
    await until(() => terminal.shown.split(ENTER).length === 3, 'it has the terminal again')
    const before = terminal.shown.length
    await until(() => terminal.shown.indexOf('1 host: 1 online', before) > 0, 'the fleet is drawn again')
    terminal.type('\x03')
    expect(await terminal.ended()).toContain('code=130')
  })

  it('the screen shows a lost connection, and restores the terminal before the error', async () => {
    setting.server.addHost('a')
    const terminal = open({ ROLLCALL_RECONNECT_SECONDS: '2' })
    await until(() => terminal.shown.includes('1 host: 1 online'), 'the fleet is drawn')
    await setting.server.crash()
    await until(() => terminal.shown.includes('\x1b[2mconnection lost, reconnecting…'), 'it says so')
    const shown = await terminal.ended()
    expect(shown.slice(shown.indexOf(LEAVE))).toMatch(
      /error: Gave up following: no answer from the server for 2 s.*code=1/s,
    )
    expect(shown).not.toContain('rollcall: connection lost')
  })

  it('the screen has no colours with NO_COLOR, and is not used on a dumb terminal', async () => {
    setting.server.addHost('a', 'offline')
    const plain = open({ NO_COLOR: '1' })
    await until(() => plain.shown.includes('1 host: 1 offline'), 'the fleet is drawn')
    expect(plain.shown).not.toMatch(/\x1b\[\d+m/)
    const dumb = open({ TERM: 'dumb' })
    await until(() => dumb.shown.includes('watching 1 host: 1 offline'), 'the fleet is known')
    expect(dumb.shown).not.toContain('\x1b')
    for (const terminal of [plain, dumb]) {
      terminal.type('\x03')
      await terminal.ended()
    }
  })
})
