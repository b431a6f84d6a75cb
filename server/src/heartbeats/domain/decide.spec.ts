import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decide, describeSilence, FAILED_TASKS_WINDOW_MS, HOT_WINDOW_MS } from './decide.ts'
import { CALLED_STATES, type Decision, type Observation, type RollView } from './roll.ts'

const start = new Date('2026-11-21T10:00:00Z')
const after = (ms: number) => new Date(start.getTime() + ms)

const WELL: RollView = {
  state: 'online',
  stateCode: null,
  lastAnswerAt: start,
  silentSince: null,
  failedRounds: 0,
  hotCpuSince: null,
  hotMemorySince: null,
  failedTasks: 0,
  failedTaskAt: null,
}

const answer = (at: Date, cpuPercent: number | null = 5, memoryPercent = 20): Observation => ({
  kind: 'answered',
  at,
  cpuPercent,
  memoryPercent,
})
const silence = (at: Date): Observation => ({
  kind: 'silent',
  at,
  attempts: [0, 1000, 3000, 7000].map((ms) => ({
    at: new Date(at.getTime() - 7000 + ms),
    reason: 'ECONNREFUSED.',
  })),
})
const refusal = (code: string, at = after(1000)): Observation => ({
  kind: 'refused',
  at,
  code,
  reason: 'Because.',
})

/** Rounds one after another, as the engine makes them. */
function rounds(view: RollView, ...seen: Observation[]): RollView & Decision {
  let current = { ...view, stateReason: null }
  for (const one of seen) current = { ...current, ...decide(current, one) } as typeof current
  return current
}

describe('decide', () => {
  it('a host that answers is online, whatever it was before', () => {
    for (const state of CALLED_STATES) {
      const view = { ...WELL, state, stateCode: 'agent.unreachable', silentSince: start, failedRounds: 7 }
      expect(decide(view, answer(after(1000)))).toMatchObject({
        state: 'online',
        stateCode: null,
        stateReason: null,
        failedRounds: 0,
        silentSince: null,
        lastAnswerAt: after(1000),
      })
    }
  })

  it('a host that answered no attempt is offline, with how many there were, when and why', () => {
    expect(decide(WELL, silence(after(8000)))).toMatchObject({
      state: 'offline',
      stateCode: 'agent.unreachable',
      stateReason: 'No answer to 4 calls from 10:00:01 to 10:00:08 UTC: ECONNREFUSED.',
      failedRounds: 1,
      silentSince: after(1000),
      lastAnswerAt: start,
    })
  })

  it('remembers since when a host is silent over many rounds', () => {
    const view = rounds(WELL, silence(after(8000)), silence(after(60_000)), silence(after(120_000)))
    expect(view).toMatchObject({ state: 'offline', failedRounds: 3, silentSince: after(1000) })
  })

  it.each([
    ['agent.credentials_refused', 'credentials_refused'],
    ['agent.identity_changed', 'identity_changed'],
    ['agent.invalid_answer', 'degraded'],
    ['agent.overloaded', 'degraded'],
  ])('a host that answered with %s is never offline', (code, state) => {
    expect(decide(WELL, refusal(code))).toMatchObject({
      state,
      stateCode: code,
      stateReason: 'Because.',
      silentSince: null,
    })
    expect(decide({ ...WELL, state: 'offline' }, refusal(code))).toMatchObject({ state, stateCode: code })
  })

  it('a host whose CPU stays hot for the whole window is degraded, and one with a peak is not', () => {
    const peak = rounds(WELL, answer(after(0), 99), answer(after(HOT_WINDOW_MS / 2), 99))
    expect(peak.state).toBe('online')
    expect(rounds(peak, answer(after(HOT_WINDOW_MS), 99))).toMatchObject({
      state: 'degraded',
      stateCode: 'host.cpu_high',
      stateReason: 'The CPU has been above 90 % since 10:00:00 UTC; it is at 99 % now.',
    })
    expect(rounds(peak, answer(after(60_000), 50), answer(after(HOT_WINDOW_MS), 99)).state).toBe('online')
  })

  it('a host whose memory stays full is degraded, and online again when it is not', () => {
    const full = rounds(WELL, answer(after(0), 5, 95), answer(after(HOT_WINDOW_MS), 5, 96))
    expect(full).toMatchObject({ state: 'degraded', stateCode: 'host.memory_high' })
    expect(rounds(full, answer(after(HOT_WINDOW_MS + 1), 5, 90)).state).toBe('online')
  })

  it('the time of a silence does not count as hot', () => {
    const view = rounds(WELL, answer(after(0), 99), silence(after(60_000)), answer(after(HOT_WINDOW_MS), 99))
    expect(view.state).toBe('online')
  })

  it('a host is degraded after three commands failed in a row, until one succeeds or they are long ago', () => {
    const failing = { ...WELL, failedTasks: 3, failedTaskAt: start }
    expect(decide(failing, answer(after(1000)))).toMatchObject({
      state: 'degraded',
      stateCode: 'host.tasks_failing',
    })
    expect(decide({ ...failing, failedTasks: 2 }, answer(after(1000))).state).toBe('online')
    expect(decide({ ...failing, failedTasks: 0 }, answer(after(1000))).state).toBe('online')
    expect(decide(failing, answer(after(FAILED_TASKS_WINDOW_MS))).state).toBe('online')
  })

  it('the reason of a failed installation stays while the host is silent', () => {
    const view = { ...WELL, state: 'install_failed' as const, stateCode: 'ssh.auth_failed' }
    expect(decide(view, silence(after(8000)))).toMatchObject({
      state: 'install_failed',
      stateCode: 'ssh.auth_failed',
    })
  })

  it('in every history an answer is never offline, a silence never online, and counts fit', () => {
    const times = fc.integer({ min: 1, max: 100_000 })
    const percent = fc.oneof(fc.constant(null), fc.double({ min: 0, max: 100, noNaN: true }))
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('answered' as const),
        ms: times,
        cpu: percent,
        memory: fc.double({ min: 0, max: 100, noNaN: true }),
      }),
      fc.record({ kind: fc.constant('silent' as const), ms: times }),
      fc.record({
        kind: fc.constant('refused' as const),
        ms: times,
        code: fc.constantFrom('agent.credentials_refused', 'agent.identity_changed', 'agent.invalid_answer'),
      }),
    )
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        let view: RollView = WELL
        let ms = 0
        let failed = 0
        for (const one of steps) {
          ms += one.ms
          const seen =
            one.kind === 'answered'
              ? answer(after(ms), one.cpu, one.memory)
              : one.kind === 'silent'
                ? silence(after(ms))
                : refusal(one.code, after(ms))
          const decision = decide(view, seen)
          failed = one.kind === 'answered' ? 0 : failed + 1
          expect(decision.failedRounds).toBe(failed)
          expect(decision.state === 'offline').toBe(one.kind === 'silent')
          expect(decision.silentSince === null).toBe(one.kind !== 'silent')
          expect(decision.state === 'online' || decision.stateCode !== null).toBe(true)
          expect(decision.hotCpuSince === null || decision.hotCpuSince <= after(ms)).toBe(true)
          view = { ...view, ...decision }
        }
      }),
    )
  })
})

describe('describeSilence', () => {
  it('a silence is described by its calls, with each reason once', () => {
    expect(describeSilence([{ at: start, reason: 'A.' }])).toBe('No answer to 1 call at 10:00:00 UTC: A.')
    expect(
      describeSilence([
        { at: start, reason: 'A.' },
        { at: after(1000), reason: 'B.' },
        { at: after(3000), reason: 'A.' },
      ]),
    ).toBe('No answer to 3 calls from 10:00:00 to 10:00:03 UTC: A. B.')
  })
})
