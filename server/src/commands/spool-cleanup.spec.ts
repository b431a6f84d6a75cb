import { RollcallError } from '@rollcall/contracts'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../platform/testing/manual-clock.ts'
import { SpoolCleanup } from './spool-cleanup.reconciler.ts'

type Call = { params: { command_id: string } }

/** Time passes for those who sleep when the spec says so. */
class WaitingClock extends ManualClock {
  private readonly sleepers: (() => void)[] = []

  override sleep() {
    return new Promise<void>((resolve) => this.sleepers.push(resolve))
  }

  async wakeAll(): Promise<void> {
    for (const wake of this.sleepers.splice(0)) wake()
    await new Promise(setImmediate)
  }
}

/** `answer` is what a host says to one command's release, or throws for the whole request. */
function setting(answer: (id: string) => object = () => ({ released: true })) {
  const asked: [string, string[]][] = []
  const marked: string[] = []
  const agents = {
    batch: async (hostId: string, calls: Call[]) => {
      const ids = calls.map(({ params }) => params.command_id)
      asked.push([hostId, ids])
      return ids.map(answer)
    },
  }
  const commands = { markReleased: async (id: string) => void marked.push(id) }
  const clock = new WaitingClock('2026-01-01T00:00:00Z')
  const cleanup = new SpoolCleanup(commands as never, agents as never, clock, pino({ level: 'silent' }))
  return { cleanup, clock, asked, marked }
}

describe('SpoolCleanup', () => {
  it('an agent is told of all commands that ended meanwhile in one request, and not at the end of each', async () => {
    const { cleanup, clock, asked, marked } = setting()
    cleanup.add('a', 'one')
    cleanup.add('b', 'two')
    cleanup.add('c', 'one')
    expect(asked).toEqual([])
    await clock.wakeAll()
    expect(asked).toEqual([
      ['one', ['a', 'c']],
      ['two', ['b']],
    ])
    expect(marked.toSorted()).toEqual(['a', 'b', 'c'])
    cleanup.add('d', 'one')
    await clock.wakeAll()
    expect(asked.at(-1)).toEqual(['one', ['d']])
  })

  it('one request releases no more commands than an agent takes', async () => {
    const { cleanup, clock, asked, marked } = setting()
    for (let i = 0; i < 40; i++) cleanup.add(`command-${i}`, 'one')
    await clock.wakeAll()
    expect(asked.map(([, ids]) => ids.length)).toEqual([16, 16, 8])
    expect(marked).toHaveLength(40)
  })

  it('a command that its agent still keeps, or did not answer for, is not marked as released', async () => {
    const errors: Record<string, RollcallError> = {
      broken: new RollcallError('agent.overloaded', 'busy'),
      unknown: new RollcallError('command.not_found', 'The host knows no such command.'),
    }
    const { cleanup, clock, marked } = setting((id) => errors[id] ?? { released: id === 'gone' })
    for (const id of ['kept', 'broken', 'gone', 'unknown']) cleanup.add(id, 'one')
    await clock.wakeAll()
    expect(marked).toEqual(['gone', 'unknown'])
  })

  it('commands of a host that has left the fleet are marked as released, and those of a silent one are not', async () => {
    const left = setting(() => {
      throw new RollcallError('host.not_found', 'gone')
    })
    left.cleanup.add('a', 'one')
    await left.clock.wakeAll()
    expect(left.marked).toEqual(['a'])
    const silent = setting(() => {
      throw new RollcallError('agent.unreachable', 'silent')
    })
    silent.cleanup.add('a', 'one')
    await silent.clock.wakeAll()
    expect(silent.marked).toEqual([])
  })
})
