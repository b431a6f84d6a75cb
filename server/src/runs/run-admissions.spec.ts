import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { CommandEvents } from '../commands/index.ts'
import { ManualClock } from '../platform/testing/manual-clock.ts'
import { partOf } from '../platform/testing/part-of.ts'
import type { Turn } from './domain/admissions.ts'
import { RunAdmissions } from './run-admissions.reconciler.ts'

const RUN = 'the-run'

/** Decisions that the spec lets end, one after the other. */
function setting() {
  const events = new CommandEvents()
  const announced: string[] = []
  const waiting: PromiseWithResolvers<Turn>[] = []
  const repository = {
    decide: () => {
      const decision = Promise.withResolvers<Turn>()
      waiting.push(decision)
      return decision.promise
    },
  }
  const admissions = new RunAdmissions(
    partOf(repository),
    partOf({ refusal: async () => null }),
    partOf({ announce: (id: string) => void announced.push(id) }),
    events,
    new ManualClock('2026-01-01T00:00:00Z'),
    pino({ level: 'silent' }),
  )
  admissions.onModuleInit()
  let decided = 0
  return {
    admissions,
    events,
    announced,
    waiting,
    end: (more: object = {}) =>
      events.commandChanged({ id: 'x', runId: RUN, hasEnded: true, isLimited: true, ...more }),
    /** Answers the next decision, and lets what follows from it happen. */
    async answer(turn: Partial<Turn> | Error) {
      const decision = waiting[decided++]
      if (turn instanceof Error) decision?.reject(turn)
      else decision?.resolve({ runId: RUN, admitted: [], stopped: [], hasMore: false, ...turn })
      await new Promise(setImmediate)
    },
  }
}

describe('RunAdmissions', () => {
  it('the next command of a run with limits begins when one has ended, and only then', async () => {
    const { end, waiting, answer, announced } = setting()
    end({ isLimited: false })
    end({ hasEnded: false })
    expect(waiting).toHaveLength(0)
    end()
    expect(waiting).toHaveLength(1)
    await answer({ admitted: ['a', 'b'] })
    expect(announced).toEqual(['a', 'b'])
    expect(waiting).toHaveLength(1)
  })

  it('decides once more, and only once, for all that ended while it was deciding', async () => {
    const { end, waiting, answer } = setting()
    for (let i = 0; i < 100; i++) end()
    expect(waiting).toHaveLength(1)
    await answer({})
    expect(waiting).toHaveLength(2)
    await answer({})
    expect(waiting).toHaveLength(2)
  })

  it('a second decision follows at once where more commands are held than one looks at', async () => {
    const { end, waiting, answer } = setting()
    end()
    await answer({ admitted: ['a'], hasMore: true })
    expect(waiting).toHaveLength(2)
  })

  it('a decision that failed does not hold the run up', async () => {
    const { end, waiting, answer } = setting()
    end()
    await answer(new Error('the database is away'))
    end()
    expect(waiting).toHaveLength(2)
  })

  it('viewers see the commands that were stopped', async () => {
    const { end, events, answer } = setting()
    const published: unknown[] = []
    events.followRun(RUN, (change) => published.push([change.id, change.hasEnded]))
    end()
    await answer({ stopped: ['c'] })
    expect(published).toEqual([
      ['x', true],
      ['c', true],
    ])
  })

  it('stopping waits for the decision under way, and begins no other', async () => {
    const { admissions, end, waiting, answer } = setting()
    end()
    let isGone = false
    const gone = admissions.drain().then(() => {
      isGone = true
    })
    end()
    await new Promise(setImmediate)
    expect(isGone).toBe(false)
    await answer({})
    await gone
    expect(waiting).toHaveLength(1)
  })
})
