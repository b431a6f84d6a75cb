import { describe, expect, it } from 'vitest'
import { type StepOutcome, withBegunStep, withOutcome } from './step-outcome.ts'
import { AT, later, newInstance, startedInstance } from './testing/instances.ts'

const failed = (changes: Partial<Extract<StepOutcome, { isDone: false }>> = {}): StepOutcome => ({
  isDone: false,
  at: AT,
  code: null,
  reason: 'port 80 is taken',
  isCancelled: false,
  ...changes,
})
const under = (name: 'prepare' | 'start' | 'restart' | 'stop' | 'remove', generation = 4) =>
  startedInstance({ step: { name, generation, revisionId: 'r', commandId: 'c' } })

describe('what a step leaves behind', () => {
  it('a generation may run from the moment its start is begun', () => {
    expect(withBegunStep(newInstance({ preparedGeneration: 4 }), 'start', 'c', AT)).toMatchObject({
      begunGeneration: 4,
      attempts: 1,
      state: 'starting',
      step: { name: 'start', generation: 4, commandId: 'c' },
    })
    expect(withBegunStep(newInstance(), 'prepare', 'c', AT)).toMatchObject({ begunGeneration: 0 })
  })

  it('a stopped instance may not run any more, and is prepared still', () => {
    expect(withOutcome(under('stop'), { isDone: true, at: AT }, 0)).toMatchObject({
      state: 'stopped',
      begunGeneration: 0,
      startedGeneration: 0,
      preparedGeneration: 4,
      step: null,
      failures: null,
    })
  })

  it('an instance that its host does not know is stopped or removed with that', () => {
    const unknown = failed({ code: 'instance.unknown' })
    expect(withOutcome(under('stop'), unknown, 0)).toMatchObject({ state: 'stopped', failures: null })
    expect(withOutcome(under('remove'), unknown, 0)).toMatchObject({ state: 'gone', failures: null })
    expect(withOutcome(under('restart'), unknown, 0)).toMatchObject({
      preparedGeneration: 0,
      startedGeneration: 0,
    })
  })

  it('failures in a row are counted from the first, and the last one ends the tries', () => {
    const first = withOutcome(under('start'), failed(), 1)
    expect(first.failures).toMatchObject({ count: 1, since: AT, retryAt: later(2000) })
    const eighth = { ...under('start'), failures: { ...first.failures, count: 7 } as never }
    expect(withOutcome(eighth, failed(), 1).failures).toMatchObject({ count: 8, retryAt: null })
  })

  it('a failure that another try does not mend, or a cancelled step, is not tried again', () => {
    const invalid = withOutcome(under('prepare'), failed({ code: 'instance.order_invalid' }), 1)
    expect(invalid.failures).toMatchObject({ count: 1, retryAt: null })
    const cancelled = withOutcome(under('prepare'), failed({ isCancelled: true }), 1)
    expect(cancelled.failures).toMatchObject({ retryAt: null })
  })

  it('a step that failed for an order which is not the newest does not count against that', () => {
    expect(withOutcome(under('start', 3), failed(), 1).failures).toBeNull()
    expect(withOutcome({ ...under('start'), wanted: 'stopped' }, failed(), 1).failures).toBeNull()
  })
})
