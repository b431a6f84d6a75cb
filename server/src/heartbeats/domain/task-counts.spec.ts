import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { EndedCommand } from '../../commands/index.ts'
import { toTaskCounts } from './task-counts.ts'

const ended = fc.array(
  fc.record({
    id: fc.uuid(),
    hostId: fc.constantFrom('a', 'b', 'c'),
    kind: fc.constantFrom('command', 'terminal', 'playbook', 'install', 'upgrade', 'remove', 'instance'),
    ending: fc.record({ state: fc.constantFrom('success', 'failed', 'timed_out', 'cancelled', 'lost') }),
    at: fc.date({ min: new Date(0), max: new Date(1e12), noInvalidDate: true }),
  }) as fc.Arbitrary<EndedCommand>,
)

it('each failed command counts once, on its own host, and hosts come once in the order of their ids', () => {
  fc.assert(
    fc.property(ended, (commands) => {
      const counts = toTaskCounts(commands)
      const hosts = counts.map(({ hostId }) => hostId)
      expect(hosts).toEqual([...new Set(hosts)].toSorted())
      const failed = commands.filter(
        ({ kind, ending: { state } }) => kind === 'command' && (state === 'failed' || state === 'timed_out'),
      )
      for (const host of ['a', 'b', 'c']) {
        const count = counts.find(({ hostId }) => hostId === host)
        expect(count?.failures ?? 0).toBe(failed.filter(({ hostId }) => hostId === host).length)
      }
    }),
  )
})

it('cancelled and lost commands, installations and steps of instances do not count as failures of their host', () => {
  fc.assert(
    fc.property(ended, (commands) => {
      const silent = commands.filter(
        ({ kind, ending: { state } }) => kind !== 'command' || state === 'cancelled' || state === 'lost',
      )
      expect(toTaskCounts(silent)).toEqual([])
    }),
  )
})

it('dates the count by the command that ended last', () => {
  const command = (state: string, at: number) =>
    ({ id: '1', hostId: 'a', kind: 'command', ending: { state }, at: new Date(at) }) as EndedCommand
  expect(toTaskCounts([command('failed', 7), command('success', 9), command('failed', 8)])).toEqual([
    { hostId: 'a', hasSuccess: true, failures: 2, at: new Date(9) },
  ])
})
