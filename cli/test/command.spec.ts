import { RollcallError } from '@rollcall/contracts'
import { describe, expect, it } from 'vitest'
import { withServer } from './setting.ts'

const setting = withServer()

describe('rollcall command', () => {
  it('rollcall command list shows command lines as typed, harmless to the terminal', async () => {
    setting.server
      .addCommand('demo-1', { program: 'sh', args: ['-c', "echo 'a b'\x1b[2J"] })
      .start()
      .end({ state: 'failed', exitCode: 3 })
    const { stdout } = await setting.ended(['command', 'list'])
    expect(stdout.split('\n')[0]).toMatch(/^ID +HOST +STATE +EXIT +AGO +TOOK +COMMAND$/)
    expect(stdout).toContain("sh -c 'echo '\\''a b'\\''\uFFFD[2J'")
    expect(stdout).toMatch(/demo-1 {2}failed {2}3 /)
    expect(stdout).not.toContain('\x1b')
    expect(JSON.parse((await setting.ended(['command', 'list', '--json'])).stdout)).toEqual({
      commands: [setting.server.commands[0]?.view],
    })
  })

  it('a short id finds its command, and is refused if it matches several or none', async () => {
    const [one, two] = [setting.server.addCommand('a'), setting.server.addCommand('b')]
    one.view.id = `abcdef12${one.view.id.slice(8)}`
    two.view.id = `abcdef99${two.view.id.slice(8)}`
    expect((await setting.ended(['command', 'show', 'ABCDEF9'])).stdout).toContain(
      `Id         ${two.view.id}`,
    )
    const several = await setting.ended(['command', 'show', 'abcdef'])
    expect(several.exitCode).toBe(1)
    expect(several.stderr).toContain(`abcdef matches 2 commands`)
    expect(several.stderr).toContain(`  ${one.view.id}  a  true\n`)
    expect(await setting.ended(['command', 'show', 'fedcba'])).toMatchObject({ exitCode: 1 })
    expect(await setting.ended(['command', 'show', 'abcde'])).toMatchObject({ exitCode: 2 })
    expect(await setting.ended(['command', 'show', '../../hosts'])).toMatchObject({ exitCode: 2 })
  })

  it('rollcall command log reads all pages, each stream to its own', async () => {
    const command = setting.server
      .addCommand('demo-1')
      .start()
      .write('one\n')
      .write('two\n', 'stderr')
      .write(Buffer.from([0xff, 0x0a]))
    const raw = setting.rollcall(['command', 'log', command.view.id])
    expect(await raw.ended()).toBe(0)
    expect(raw.bytes).toEqual(Buffer.concat([Buffer.from('one\n'), Buffer.from([0xff, 0x0a])]))
    expect(raw.stderr).toBe('two\n')
    const json = setting.rollcall(['command', 'log', command.view.id, '--offset', '6', '--json'])
    await json.ended()
    expect(json.lines).toEqual([
      {
        type: 'output',
        commandId: command.view.id,
        host: 'demo-1',
        stream: 'stderr',
        offset: 6,
        data: 'bwo=',
      },
      {
        type: 'output',
        commandId: command.view.id,
        host: 'demo-1',
        stream: 'stdout',
        offset: 8,
        data: '/wo=',
      },
      { type: 'position', nextOffset: 10, isFinal: false },
    ])
  })

  it('cancels what runs, and says so when there was nothing to cancel', async () => {
    const command = setting.server.addCommand('demo-1').start()
    const first = await setting.ended(['command', 'cancel', command.view.id])
    expect(first.stderr).toBe('rollcall: cancelling the command on demo-1\n')
    expect(command.view.cancelRequested).toBe(true)
    command.end()
    const second = await setting.ended(['command', 'cancel', command.view.id])
    expect(second.stderr).toBe('rollcall: the command on demo-1 has ended: success\n')
  })
})

describe('rollcall status', () => {
  it('rollcall status shows warnings and still succeeds', async () => {
    setting.server.warnings = ['The Ansible that this server brings to hosts was made 45 days ago.']
    const { exitCode, stdout } = await setting.ended(['status'])
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/^Warning +The Ansible .* 45 days ago/m),
    })
  })

  it('rollcall status counts hosts by state, and exits with 1 if the server is not ready', async () => {
    for (const name of ['a', 'b']) setting.server.addHost(name)
    setting.server.addHost('c', 'offline')
    const good = await setting.ended(['status'])
    expect(good).toMatchObject({ exitCode: 0, stderr: '' })
    expect(good.stdout).toMatch(/^Fleet +degraded, 66\.6 % of the hosts are healthy$/m)
    expect(good.stdout).toMatch(/^Hosts +3 \(2 online, 1 offline\)$/m)
    setting.server.isReady = false
    const bad = await setting.ended(['status', '--json'])
    expect(bad.exitCode).toBe(1)
    expect(JSON.parse(bad.stdout)).toMatchObject({
      version: '0.1.0',
      status: 'not_ready',
      database: 'down',
      hosts: { health: 'degraded', total: 3, percentage: 66.6, byState: { online: 2, degraded: 0 } },
    })
  })

  it('rollcall status does not fetch hosts to count them', async () => {
    setting.server.addHost('a')
    await setting.ended(['status'])
    expect(setting.server.requests.map(({ name }) => name)).toEqual(['health', 'ready', 'clusterHealth'])
  })

  it('rollcall status reports an empty fleet, and one that cannot be counted', async () => {
    expect((await setting.ended(['status'])).stdout).toMatch(/^Fleet +empty\nHosts +0$/m)
    setting.server.onRequest = ({ name }) => {
      if (name === 'clusterHealth') throw new RollcallError('server.database_unavailable', 'Later.')
      return 'answer'
    }
    setting.server.isReady = false
    const away = await setting.ended(['status'])
    expect(away.exitCode).toBe(1)
    expect(away.stdout).toMatch(/^Hosts +cannot be counted while the database is down$/m)
    expect(JSON.parse((await setting.ended(['status', '--json'])).stdout)).toMatchObject({ hosts: null })
  })
})
