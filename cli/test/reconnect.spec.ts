import type { LiveEvent } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { until } from './rollcall.ts'
import { withServer } from './setting.ts'

const setting = withServer()

describe('following through broken connections', () => {
  it('following continues after a restart of the server on another port, with nothing lost or repeated', async () => {
    setting.server.addHost('demo-1')
    const rollcall = setting.rollcall(['run', '--host', 'demo-1', '--', 'x'])
    await until(() => setting.server.live.followed.length === 1, 'it follows')
    const command = setting.server.commands[0]?.start().write('one\n').write('two\n', 'stderr')
    await until(() => rollcall.stdout === 'one\n' && rollcall.stderr === 'two\n', 'the first lines are shown')
    await setting.server.crash()
    command?.write('three\n')
    await until(() => rollcall.stderr.includes('connection lost, reconnecting…'), 'it says so')
    await setting.server.listen(0)
    await until(() => rollcall.stdout === 'one\nthree\n', 'the rest is shown')
    command?.write('four').end()
    expect(await rollcall.ended()).toBe(0)
    expect(rollcall.stdout).toBe('one\nthree\nfour')
    expect(rollcall.stderr.match(/connection lost/g)).toHaveLength(1)
    expect(setting.server.live.followed.map(({ offset }) => offset)).toEqual([0, 8])
  })

  it('a connection that is back at once is not reported, and each byte is shown once', async () => {
    const names = ['a', 'b', 'c']
    for (const name of names) setting.server.addHost(name)
    const rollcall = setting.rollcall(['run', '--host', names.join(), '--', 'x'])
    await until(() => setting.server.live.followed.length === 3, 'all are followed')
    for (const command of setting.server.commands) command.start()
    const expected: string[] = []
    for (let round = 0; round < 5; round++) {
      for (const command of setting.server.commands) {
        command.write(`round ${round}, `).write('half a line, ')
        expected.push(`${command.view.host.name} | round ${round}, half a line, and the rest`)
      }
      setting.server.live.dropViewers()
      for (const command of setting.server.commands) command.write('and the rest\n')
      await until(() => rollcall.stdout.split('\n').length > expected.length, `round ${round} is shown`)
    }
    for (const command of setting.server.commands) command.end()
    expect(await rollcall.ended()).toBe(0)
    expect(rollcall.stdout.split('\n').filter(Boolean).toSorted()).toEqual(expected.toSorted())
    expect(rollcall.stderr).not.toContain('connection lost')
  })

  it('drops what was sent twice, also when it overlaps, and asks again for what was left out', async () => {
    setting.server.addHost('demo-1')
    const rest = Buffer.from('3456789\n').toString('base64')
    const hole: string[] = []
    setting.server.live.onLive = (event) => {
      if (event.type !== 'output') return [event]
      const overlapping: LiveEvent = { ...event, offset: 3, data: rest }
      if (event.offset === 0) return [event, event, overlapping, overlapping]
      // The second line gets lost on its way, once.
      if (hole.length === 0) return hole.push('lost') ? [] : []
      return [event]
    }
    setting.server.onCommand = (command) =>
      command.start().write('0123456789\n').write('second\n').write('third\n').end()
    const { exitCode, stdout } = await setting.ended(['run', '--host', 'demo-1', '--', 'x'])
    expect(exitCode).toBe(0)
    expect(stdout).toBe('0123456789\nsecond\nthird\n')
  })

  it('following is retried if the server cannot read the output at the moment', async () => {
    setting.server.addHost('demo-1')
    let isAway = true
    setting.server.live.onLive = (event) => {
      if (!isAway || event.type !== 'output') return [event]
      isAway = false
      return [
        { type: 'error', commandId: event.commandId, code: 'server.database_unavailable', message: 'Later.' },
      ]
    }
    setting.server.onCommand = (command) => command.start().write('kept\n').end()
    expect(await setting.ended(['run', '--host', 'demo-1', '--', 'x'])).toMatchObject({
      exitCode: 0,
      stdout: 'kept\n',
    })
  })

  it('following gives up after the time set, and says how to follow again', async () => {
    setting.server.addHost('demo-1')
    const rollcall = setting.rollcall(['run', '--host', 'demo-1', '--', 'x'], {
      ROLLCALL_RECONNECT_SECONDS: '1',
    })
    await until(() => setting.server.live.followed.length === 1, 'it follows')
    await setting.server.crash()
    expect(await rollcall.ended()).toBe(1)
    expect(rollcall.stderr).toContain(`rollcall command log ${setting.server.commands[0]?.view.id} --follow`)
    expect(rollcall.stderr).toContain('error: Gave up following: no answer from the server for 1 s')
  })

  it('command log --follow goes on from its own offset after a restart', async () => {
    const command = setting.server.addCommand('demo-1').start().write('skipped|shown|')
    const rollcall = setting.rollcall(['command', 'log', command.view.id, '--follow', '--offset', '8'])
    await until(() => rollcall.stdout === 'shown|', 'the stored output is shown')
    await setting.server.crash()
    command.write('while away|')
    await setting.server.listen()
    await until(() => rollcall.stdout === 'shown|while away|', 'what came meanwhile is shown')
    command.end({ state: 'failed', exitCode: 5 })
    expect(await rollcall.ended()).toBe(0)
    expect(rollcall.stdout).toBe('shown|while away|')
  })
})
