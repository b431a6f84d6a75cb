import { RollcallError } from '@rollcall/contracts'
import { describe, expect, it } from 'vitest'
import { until } from './rollcall.ts'
import { withServer } from './setting.ts'

const setting = withServer()

async function following(hosts: readonly string[]) {
  for (const name of hosts) setting.server.addHost(name)
  const rollcall = setting.rollcall(['run', '--host', hosts.join(), '--', 'sleep', '9'])
  await until(() => setting.server.live.followed.length === hosts.length, 'all are followed')
  for (const command of setting.server.commands) command.start()
  return rollcall
}

const cancelled = () => setting.server.commands.filter(({ view }) => view.cancelRequested).length

describe('Ctrl-C', () => {
  it('once: asks every host to end the command, and shows what still comes', async () => {
    const rollcall = await following(['a', 'b', 'c'])
    rollcall.process.kill('SIGINT')
    await until(() => cancelled() === 3, 'all are asked to end')
    expect(rollcall.stderr).toContain('cancelling on 3 hosts')
    for (const command of setting.server.commands)
      command.write('last words\n').end({ state: 'cancelled', exitCode: null })
    expect(await rollcall.ended()).toBe(1)
    expect(rollcall.stdout.match(/last words/g)).toHaveLength(3)
  })

  it('once, with one host: ends with 130', async () => {
    const rollcall = await following(['a'])
    rollcall.process.kill('SIGINT')
    await until(() => cancelled() === 1, 'it is asked to end')
    setting.server.commands[0]?.end({ state: 'cancelled', exitCode: null })
    expect(await rollcall.ended()).toBe(130)
  })

  it('Ctrl-C is retried if the server cannot be reached at first', async () => {
    let isAway = true
    setting.server.onRequest = ({ name }) => {
      if (name !== 'cancelRun' || !isAway) return 'answer'
      isAway = false
      throw new RollcallError('server.database_unavailable', 'Later.')
    }
    const rollcall = await following(['a'])
    rollcall.process.kill('SIGINT')
    await until(() => cancelled() === 1, 'it is asked to end')
  })

  it('twice: leaves at once and says how to follow again', async () => {
    const rollcall = await following(['a', 'b'])
    rollcall.process.kill('SIGINT')
    await until(() => cancelled() === 2, 'all are asked to end')
    rollcall.process.kill('SIGINT')
    expect(await rollcall.ended()).toBe(130)
    for (const { view } of setting.server.commands)
      expect(rollcall.stderr).toContain(`rollcall command log ${view.id} --follow`)
  })

  it('before the server has answered: cancels as soon as it has', async () => {
    setting.server.addHost('a')
    let refusals = 0
    setting.server.onRequest = ({ name }) => {
      if (name === 'run' && refusals++ < 2) throw new RollcallError('server.database_unavailable', 'Wait.')
      return 'answer'
    }
    const rollcall = setting.rollcall(['run', '--host', 'a', '--', 'sleep', '9'])
    await until(() => rollcall.stderr.includes('retrying'), 'it waits for the server')
    rollcall.process.kill('SIGINT')
    await until(() => cancelled() === 1, 'it is asked to end')
  })

  it.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s leaves without cancelling: the commands go on', async (signal, code) => {
    const rollcall = await following(['a'])
    rollcall.process.kill(signal)
    expect(await rollcall.ended()).toBe(code)
    expect(cancelled()).toBe(0)
    expect(rollcall.stderr).toContain('the command continues. Follow it with:')
  })

  it('Ctrl-C does not stop an installation', async () => {
    setting.server.addHost('a')
    const rollcall = setting.rollcall(['host', 'install', 'a', '--wait'])
    await until(() => setting.server.live.followed.length === 1, 'it follows')
    rollcall.process.kill('SIGINT')
    expect(await rollcall.ended()).toBe(130)
    expect(cancelled()).toBe(0)
    expect(rollcall.stderr).toContain('the installation continues')
  })

  it('a reader that goes away ends it quietly', async () => {
    const rollcall = await following(['a'])
    rollcall.process.stdout.destroy()
    const command = setting.server.commands[0]
    const writing = setInterval(() => command?.write('x'.repeat(10_000)), 20)
    expect(await rollcall.ended()).toBe(141)
    clearInterval(writing)
    expect(rollcall.stderr).toBe('')
  })
})
