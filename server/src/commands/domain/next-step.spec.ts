import { describe, expect, it } from 'vitest'
import { endingOfNotFound, LOST_AFTER_MS, nextAttempt, nextStep } from './next-step.ts'

type View = Parameters<typeof nextStep>[0]

const T0 = new Date('2026-01-01T00:00:00Z')
const after = (ms: number) => new Date(T0.getTime() + ms)
const START_WITHIN_MS = 60_000
const TIMEOUT_MS = 30_000

const pending: View = {
  state: 'pending',
  createdAt: T0,
  dispatchedAt: null,
  startedAt: null,
  unansweredSince: null,
  cancelRequestedAt: null,
  startWithinMs: START_WITHIN_MS,
  timeoutMs: TIMEOUT_MS,
}
const dispatched: View = { ...pending, dispatchedAt: after(10) }
const running: View = { ...dispatched, state: 'running', startedAt: after(20) }

describe('nextStep', () => {
  it('starts a new command', () => {
    expect(nextStep(pending, after(1))).toEqual({ do: 'start' })
  })

  it('sends a command again whose answer was lost, since the agent starts an id once', () => {
    expect(nextStep({ ...dispatched, unansweredSince: after(11) }, after(5000))).toEqual({ do: 'start' })
  })

  it('never starts a command that nobody wants any more', () => {
    expect(nextStep({ ...pending, cancelRequestedAt: after(1) }, after(2))).toMatchObject({
      do: 'end',
      ending: { state: 'cancelled' },
    })
    expect(nextStep({ ...dispatched, cancelRequestedAt: after(11) }, after(12))).toEqual({ do: 'find' })
  })

  it('does not start a command late', () => {
    expect(nextStep(pending, after(START_WITHIN_MS))).toMatchObject({
      do: 'end',
      ending: { state: 'failed', reasonCode: 'command.never_started' },
    })
    expect(nextStep(dispatched, after(START_WITHIN_MS))).toEqual({ do: 'find' })
  })

  it('does not call a silent command lost before its own limits and the grace have passed', () => {
    const silent = { ...running, unansweredSince: after(25) }
    const lostAt = 20 + TIMEOUT_MS + LOST_AFTER_MS
    expect(nextStep(silent, after(lostAt - 1))).toEqual({ do: 'follow', cancel: false })
    expect(nextStep(silent, after(lostAt))).toMatchObject({
      do: 'end',
      ending: { state: 'lost', reasonCode: 'command.unanswered' },
    })
  })

  it('never calls a command lost whose agent answers', () => {
    expect(nextStep(running, after(10 * LOST_AFTER_MS))).toEqual({ do: 'follow', cancel: false })
  })

  it('asks a running command to end when that is wanted', () => {
    expect(nextStep({ ...running, cancelRequestedAt: after(30) }, after(31))).toEqual({
      do: 'follow',
      cancel: true,
    })
  })

  it('ends every silent command in the end, whatever its state, and ends no dispatched one as "never started"', () => {
    const views = [pending, dispatched, running].flatMap((view) => [
      view,
      { ...view, cancelRequestedAt: after(40) },
    ])
    for (const view of views) {
      const step = nextStep(
        { ...view, unansweredSince: after(50) },
        after(START_WITHIN_MS + TIMEOUT_MS + 2 * LOST_AFTER_MS),
      )
      expect(step.do).toBe('end')
      if (view.dispatchedAt && step.do === 'end') expect(step.ending.state).toBe('lost')
    }
  })
})

describe('endingOfNotFound', () => {
  it('tells a cancelled command from one that came too late', () => {
    expect(endingOfNotFound({ cancelRequestedAt: T0 }).state).toBe('cancelled')
    expect(endingOfNotFound({ cancelRequestedAt: null })).toMatchObject({
      state: 'failed',
      reasonCode: 'command.never_started',
    })
  })
})

describe('nextAttempt', () => {
  it('waits longer the longer an agent is silent, within bounds', () => {
    let last = 0
    for (const silentMs of [0, 1000, 10_000, 60_000, 3_600_000, 86_400_000]) {
      const waitMs = nextAttempt(T0, after(silentMs)).getTime() - after(silentMs).getTime()
      expect(waitMs).toBeGreaterThanOrEqual(Math.max(1000, last))
      expect(waitMs).toBeLessThanOrEqual(30_000)
      last = waitMs
    }
  })
})
