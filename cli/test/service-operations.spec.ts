import { randomUUID } from 'node:crypto'
import { instanceOf, markOf, shownService } from '@rollcall/contracts/admin/services/testing/service-views'
import { describe, expect, it } from 'vitest'
import { withServer } from './setting.ts'

const setting = withServer()
const asked = (name: string) => setting.server.requests.filter((request) => request.name === name)

describe('operating services from the command line', () => {
  it('a service and an instance are stopped by their names, and volumes go only if they are named', async () => {
    const { server } = setting
    server.handlers.operateService = ({ body }) => ({
      operationId: body.operationId ?? randomUUID(),
      instances: (body.slots ?? [1, 2]).map((slot) => markOf(slot)),
    })
    const whole = await setting.ended(['service', 'stop', 'shop/web'])
    expect(whole.stderr).toContain('stop was accepted for .1 on app-1, .2 on app-2')
    const one = await setting.ended(['service', 'restart', 'shop/web.2'])
    expect([one.exitCode, one.stderr]).toEqual([
      0,
      expect.stringContaining('restart was accepted for .2 on app-2'),
    ])
    await setting.ended(['service', 'remove', 'shop/db'])
    await setting.ended(['service', 'remove', 'shop/db', '--with-volumes', 'shop_data'])
    expect(
      asked('operateService').map(({ params, body: { operationId: _, ...body } }) => [params, body]),
    ).toEqual([
      [{ service: 'shop/web' }, { action: 'stop' }],
      [{ service: 'shop/web' }, { action: 'restart', slots: [2] }],
      [{ service: 'shop/db' }, { action: 'remove' }],
      [{ service: 'shop/db' }, { action: 'remove', removedVolumes: ['shop_data'] }],
    ])
  })

  it('an operation whose answer is lost is asked for again by the same id', async () => {
    const { server } = setting
    server.handlers.operateService = ({ body }) => ({ operationId: body.operationId ?? '', instances: [] })
    server.onRequest = ({ name }) =>
      name === 'operateService' && asked(name).length === 1 ? 'lose' : 'answer'
    const { exitCode } = await setting.ended(['service', 'start', 'shop/web'])
    const ids = asked('operateService').map(({ body }) => body.operationId)
    expect([exitCode, ids.length, new Set(ids).size]).toEqual([0, 2, 1])
  })

  it('logs of all instances are shown in the order of their times, each line behind its instance', async () => {
    const { server } = setting
    const lines = [
      '2026-11-30T10:00:02.000000Z web out late\n',
      '2026-11-30T10:00:01.000000Z web out early\n',
    ]
    server.handlers.showService = () => shownService([1, 2].map((slot) => instanceOf(slot)))
    server.handlers.readServiceLogs = () => ({
      commands: lines.map((line, at) => {
        const command = server.addCommand(`app-${at + 1}`, { args: ['logs', instanceOf(at + 1).id] })
        command.start().write(line)
        command.end({ exitCode: 0 })
        return command.view
      }),
    })
    const { exitCode, stdout, stderr } = await setting.ended(['service', 'logs', 'shop/web', '--lines', '5'])
    expect(stdout).toBe(
      'shop/web.2 | 2026-11-30T10:00:01.000000Z web out early\nshop/web.1 | 2026-11-30T10:00:02.000000Z web out late\n',
    )
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(asked('readServiceLogs')[0]?.body).toMatchObject({ lines: 5, follow: false })
  })

  it('a program that is run in an instance shows its output, and its exit code becomes that of the command line', async () => {
    const { server } = setting
    server.handlers.execInInstance = ({ body }) => {
      const command = server.addCommand('app-1', { args: body.argv })
      command.start().write('1\n')
      command.end({ state: 'failed', exitCode: 3 })
      return { command: command.view }
    }
    const { exitCode, stdout } = await setting.ended([
      'service',
      'exec',
      'shop/db.1',
      '--container',
      'db',
      '--',
      'psql',
      '-c',
      'x',
    ])
    expect([exitCode, stdout]).toEqual([3, '1\n'])
    expect(asked('execInInstance')[0]).toMatchObject({
      params: { service: 'shop/db', slot: 1 },
      body: { argv: ['psql', '-c', 'x'], container: 'db', tty: false },
    })
    const nothing = await setting.ended(['service', 'exec', 'shop/db.1'])
    expect([nothing.exitCode, nothing.stderr]).toEqual([2, expect.stringContaining('Say what to run')])
  })
})
