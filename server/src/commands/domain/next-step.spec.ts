import { RollcallError } from '@rollcall/contracts'
import { describe, expect, it } from 'vitest'
import { endingOfUnstarted, giveUp, LOST_AFTER_MS, nextAttempt, nextStep, waitAfter } from './next-step.ts'

type View = Parameters<typeof nextStep>[0]

const T0 = new Date('2026-01-01T00:00:00Z')
const after = (ms: number) => new Date(T0.getTime() + ms)
const START_WITHIN_MS = 60_000
const TIMEOUT_MS = 30_000

const pending: View = {
  state: 'pending',
  admittedAt: T0,
  dispatchedAt: null,
  startedAt: null,
  cancelRequestedAt: null,
  startWithinMs: START_WITHIN_MS,
  timeoutMs: TIMEOUT_MS,
}
const dispatched: View = { ...pending, dispatchedAt: after(10) }
const running: View = { ...dispatched, state: 'running', startedAt: after(20) }
const unwanted = (view: View): View => ({ ...view, cancelRequestedAt: after(30) })
const FOREVER = after(10 * LOST_AFTER_MS)

describe('nextStep', () => {
  it('a new command is started', () => {
    expect(nextStep(pending, after(1))).toEqual({ do: 'start' })
  })

  it('a command whose answer was lost is sent again, since the agent starts an id once', () => {
    expect(nextStep(dispatched, after(5000))).toEqual({ do: 'start' })
  })

  it('a cancelled command is never started, and withdrawn where it may have started', () => {
    expect(nextStep(unwanted(pending), after(31))).toMatchObject({
      do: 'end',
      ending: { state: 'cancelled' },
    })
    expect(nextStep(unwanted(dispatched), after(31))).toEqual({ do: 'withdraw' })
  })

  it('a command is not started late', () => {
    expect(nextStep(pending, after(START_WITHIN_MS - 1))).toEqual({ do: 'start' })
    expect(nextStep(pending, after(START_WITHIN_MS))).toMatchObject({
      do: 'end',
      ending: { state: 'failed', reasonCode: 'command.never_started' },
    })
    expect(nextStep(dispatched, after(START_WITHIN_MS))).toEqual({ do: 'withdraw' })
  })

  it('a command that may have started is asked about before it is given up, however long no server looked', () => {
    for (const view of [dispatched, running, unwanted(dispatched), unwanted(running)])
      expect(nextStep(view, FOREVER).do).not.toBe('end')
  })
})

describe('giveUp', () => {
  it('a silent command is not lost before its own limits and the grace have passed', () => {
    const lostAt = 20 + TIMEOUT_MS + LOST_AFTER_MS
    expect(giveUp(running, after(lostAt - 1))).toBeNull()
    expect(giveUp(running, after(lostAt))).toMatchObject({ state: 'lost', reasonCode: 'command.unanswered' })
    const unknownAt = 10 + START_WITHIN_MS + TIMEOUT_MS + LOST_AFTER_MS
    expect(giveUp(dispatched, after(unknownAt - 1))).toBeNull()
    expect(giveUp(dispatched, after(unknownAt))).toMatchObject({ state: 'lost' })
  })

  it('a command that was certainly never tried is never lost', () => {
    expect(giveUp(pending, FOREVER)).toBeNull()
  })

  it('giveUp and nextStep together end every silent command', () => {
    for (const view of [pending, dispatched, running].flatMap((each) => [each, unwanted(each)]))
      expect(giveUp(view, FOREVER) !== null || nextStep(view, FOREVER).do === 'end').toBe(true)
  })
})

describe('endingOfUnstarted', () => {
  it('a cancelled command is told apart from one that came too late', () => {
    expect(endingOfUnstarted({ cancelRequestedAt: T0 }).state).toBe('cancelled')
    expect(endingOfUnstarted({ cancelRequestedAt: null })).toMatchObject({
      state: 'failed',
      reasonCode: 'command.never_started',
    })
  })
})

describe('nextAttempt', () => {
  it('the wait between attempts grows with the silence of the agent, within bounds', () => {
    let last = 0
    for (const silentMs of [0, 1000, 10_000, 60_000, 3_600_000, 86_400_000]) {
      const waitMs = nextAttempt(T0, after(silentMs), 1).getTime() - after(silentMs).getTime()
      expect(waitMs).toBeGreaterThanOrEqual(Math.max(1000, last))
      expect(waitMs).toBeLessThanOrEqual(30_000)
      last = waitMs
    }
  })
})

describe('waitAfter', () => {
  const error = new RollcallError('agent.unreachable', 'The agent does not answer.')

  it('the reason is shown while the command waits, with the time since when its agent is silent', () => {
    const first = waitAfter({ unansweredSince: null }, { error, notStarted: true }, after(0), 1)
    expect(first).toEqual({
      until: nextAttempt(after(0), after(0), 1),
      unansweredSince: after(0),
      reasonCode: 'agent.unreachable',
      reason: 'The agent does not answer.',
      notStarted: true,
    })
    const later = waitAfter({ unansweredSince: after(0) }, { error, notStarted: false }, after(60_000), 1)
    expect(later).toMatchObject({ unansweredSince: after(0), notStarted: false })
    expect(later.until).toEqual(nextAttempt(after(0), after(60_000), 1))
  })

  it('a failure of the server itself is shown without its message', () => {
    const wait = waitAfter(
      { unansweredSince: null },
      { error: new Error('password=hunter2'), notStarted: false },
      T0,
      1,
    )
    expect(wait.reasonCode).toBe('server.defect')
    expect(wait.reason).not.toContain('hunter2')
  })
})
