import { describe, expect, it } from 'vitest'
import { toStepEnding, toStepOutcome } from './step-answer.ts'
import { AT } from './testing/instances.ts'

const answer = (said: unknown, exitCode = 0) => ({ exitCode, stdout: `${JSON.stringify(said)}\n` })

describe('the answer of a host to a step', () => {
  it('a step that has reached its state is a success', () => {
    expect(toStepEnding('prepare', answer({ prepared: true, generation: 4 }))).toMatchObject({
      state: 'success',
    })
    expect(toStepEnding('start', answer({ state: 'running', generation: 4 }))).toMatchObject({
      state: 'success',
    })
    expect(toStepEnding('stop', answer({ state: 'stopped', generation: 4 }))).toMatchObject({
      state: 'success',
    })
    expect(toStepEnding('remove', answer({ state: 'gone' }))).toMatchObject({ state: 'success' })
  })

  it('a step that has reached another state than its own is a failure', () => {
    expect(toStepEnding('start', answer({ prepared: true, generation: 4 }))).toMatchObject({
      state: 'failed',
    })
    expect(toStepEnding('start', answer({ state: 'failed', generation: 4 }))).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('the instance is failed'),
    })
    expect(toStepEnding('remove', answer({ state: 'running' }))).toMatchObject({ state: 'failed' })
  })

  it('an error of the host program carries its code and its words', () => {
    const said = { error: { code: 'instance.port_taken', message: 'nginx (pid 12) has port 80' } }
    expect(toStepEnding('prepare', answer(said, 1))).toEqual({
      state: 'failed',
      exitCode: 1,
      reasonCode: 'instance.port_taken',
      reason: 'nginx (pid 12) has port 80',
    })
  })

  it('a host can claim no error that is not about its instances, and no text that a terminal obeys', () => {
    const said = { error: { code: 'access.locked_out', message: '\u001b[2Jgo away' } }
    const ending = toStepEnding('start', answer(said, 1))
    expect(ending.reasonCode).toBe('instance.step_failed')
    expect(ending.reason).not.toContain('\u001b')
  })

  it.each([
    ['', 0],
    ['not json', 0],
    ['{"state": "running"', 0],
    ['{"state": "running"}', 1],
    [`{"error": {"code": "x", "message": "${'y'.repeat(5000)}"}}`, 1],
    ['null', null],
  ])('an answer that is none fails the step and says so: %s', (stdout, exitCode) => {
    expect(toStepEnding('start', { exitCode, stdout })).toMatchObject({
      state: 'failed',
      reasonCode: 'agent.invalid_answer',
    })
  })

  it('only the last line of what a host program prints is its answer', () => {
    const stdout = 'a warning of python\n{"state": "running", "generation": 4}\n'
    expect(toStepEnding('start', { exitCode: 0, stdout })).toMatchObject({ state: 'success' })
  })

  it('the outcome of a step is that of its command, whoever ended it', () => {
    expect(toStepOutcome({ state: 'success' }, AT)).toEqual({ isDone: true, at: AT })
    expect(toStepOutcome({ state: 'lost', reasonCode: 'command.unanswered', reason: 'silent' }, AT)).toEqual({
      isDone: false,
      at: AT,
      code: 'command.unanswered',
      reason: 'silent',
      isCancelled: false,
    })
    expect(toStepOutcome({ state: 'cancelled' }, AT)).toMatchObject({ isCancelled: true })
  })
})
