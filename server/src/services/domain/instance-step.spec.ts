import { describe, expect, it } from 'vitest'
import type { Instance, KnownReport, ReportedInstance } from './driven-instance.ts'
import { instanceStep } from './instance-step.ts'
import { REPORT_GRACE_MS, UNHEARD_AFTER_MS } from './settle.ts'
import { AT, HOST, later, newInstance, startedInstance } from './testing/instances.ts'

const says = (said: Partial<ReportedInstance>, at = later(2000)): KnownReport => ({
  kind: 'reported',
  at,
  said: { generation: 4, state: 'running', health: 'success', reason: null, ...said },
})
const step = (instance: Instance, report: KnownReport | null = null, now = later(3000), host = HOST) =>
  instanceStep({ instance, host }, report, now)

describe('the way of an instance to its host', () => {
  it('what was ordered is prepared, then started', () => {
    expect(step(newInstance())).toEqual({ do: 'command', step: 'prepare' })
    expect(step(newInstance({ preparedGeneration: 4 }))).toEqual({ do: 'command', step: 'start' })
  })

  it('an instance whose step is under way gets no other', () => {
    const open = { name: 'prepare', generation: 4, revisionId: 'r', commandId: 'c' } as const
    expect(step(newInstance({ step: open, wanted: 'gone' }))).toEqual({ do: 'wait', until: null })
  })

  it('a started instance is starting until its host says that it runs, and how it is', () => {
    const instance = startedInstance()
    expect(step(instance)).toEqual({ do: 'wait', until: later(1000 + UNHEARD_AFTER_MS) })
    expect(step(instance, says({ health: 'partial', reason: 'web: 503' }))).toEqual({
      do: 'note',
      state: 'running',
      health: 'partial',
      code: null,
      reason: 'web: 503',
    })
  })

  it('a host that does not say how a started instance is leaves it running with unknown health', () => {
    const move = step(startedInstance(), null, later(1000 + UNHEARD_AFTER_MS))
    expect(move).toMatchObject({ do: 'note', state: 'running', health: 'unknown' })
  })

  it('a start whose answer was lost is not repeated where the host says since that it runs', () => {
    const lost = startedInstance({ startedGeneration: 0 })
    expect(step(lost, says({}))).toMatchObject({ do: 'note', state: 'running' })
    expect(step(lost, says({}, later(-1)))).toEqual({ do: 'command', step: 'start' })
  })

  it('a changed instance is prepared while its old generation runs, and only then replaced', () => {
    const changed = startedInstance({ generation: 5, state: 'running' })
    expect(step(changed, says({}))).toEqual({ do: 'command', step: 'prepare' })
    expect(step({ ...changed, preparedGeneration: 5 }, says({}))).toEqual({ do: 'command', step: 'start' })
  })

  it('an instance that is to be restarted is restarted once', () => {
    expect(step(startedInstance({ isRestartWanted: true }), says({}))).toEqual({
      do: 'command',
      step: 'restart',
    })
  })

  it('an unwanted instance is removed, and one that no host has heard of is gone at once', () => {
    expect(step(startedInstance({ wanted: 'gone' }))).toEqual({ do: 'command', step: 'remove' })
    expect(step(newInstance({ wanted: 'gone' }))).toMatchObject({ do: 'note', state: 'gone' })
  })

  it('an instance that never began is stopped without a step', () => {
    expect(step(newInstance({ wanted: 'stopped' }))).toMatchObject({ do: 'note', state: 'stopped' })
    expect(step(startedInstance({ wanted: 'stopped' }))).toEqual({ do: 'command', step: 'stop' })
  })
})

describe('failures of steps', () => {
  const failures = { count: 2, since: AT, code: null, reason: 'port 80 is taken', retryAt: later(9000) }

  it('a failed step is tried again at its time, and says meanwhile why', () => {
    const failed = newInstance({ failures })
    expect(step(failed)).toMatchObject({
      do: 'note',
      state: 'preparing',
      reason: expect.stringContaining('port 80 is taken'),
    })
    expect(step(failed, null, later(9000))).toEqual({ do: 'command', step: 'prepare' })
  })

  it('a step that was given up leaves the instance failed with its reason', () => {
    const given = newInstance({ failures: { ...failures, retryAt: null } })
    expect(step(given)).toMatchObject({ do: 'note', state: 'failed', reason: 'port 80 is taken' })
  })

  it('an instance whose new generation could not be prepared runs on with the old one, and says so', () => {
    const given = startedInstance({ generation: 5, failures: { ...failures, retryAt: null } })
    expect(step(given)).toMatchObject({
      do: 'note',
      state: 'running',
      reason: 'Generation 4 runs on, since generation 5 could not replace it: port 80 is taken',
    })
  })
})

describe('hosts that are silent', () => {
  const silent = { ...HOST, isAnswering: false }

  it('an instance on a silent host is interrupted, and nothing is sent there', () => {
    expect(step(startedInstance(), says({}), later(3000), silent)).toMatchObject({
      do: 'note',
      state: 'interrupted',
      health: 'unknown',
      reason: 'Nothing is heard of app-1, where it may still run.',
    })
    expect(step(newInstance(), null, later(3000), silent)).toMatchObject({
      reason: 'Nothing is heard of app-1; the next step there is to prepare it.',
    })
  })

  it('an instance is as its host says once that answers again', () => {
    const back = startedInstance({ state: 'interrupted' })
    expect(step(back, says({}))).toMatchObject({ do: 'note', state: 'running', health: 'success' })
  })

  it('a stopped instance stays stopped while its host is silent', () => {
    const stopped = newInstance({ wanted: 'stopped', state: 'stopped' })
    expect(step(stopped, null, later(3000), silent)).toEqual({ do: 'wait', until: null })
  })

  it('nothing is sent to a host that is being upgraded', () => {
    expect(step(newInstance(), null, later(3000), { ...HOST, isBusy: true })).toEqual({
      do: 'wait',
      until: null,
    })
  })

  it('an instance whose host has left the fleet says so, and can be removed', () => {
    const orphan = instanceStep({ instance: startedInstance(), host: null }, null, AT)
    expect(orphan).toMatchObject({
      do: 'note',
      state: 'failed',
      reason: expect.stringContaining('left the fleet'),
    })
    const unwanted = startedInstance({ wanted: 'gone' })
    expect(instanceStep({ instance: unwanted, host: null }, null, AT)).toMatchObject({ state: 'gone' })
  })
})

describe('what a host says against the order', () => {
  it('a report from before a start does not undo it, and is believed after a while', () => {
    const instance = startedInstance()
    const prepared = says({ state: 'prepared' })
    expect(step(instance, prepared)).toMatchObject({ do: 'wait' })
    expect(step(instance, prepared, later(1000 + REPORT_GRACE_MS))).toMatchObject({ state: 'failed' })
  })

  it('an instance that is missing on its host is told, and not started again by itself', () => {
    const move = step(startedInstance(), { kind: 'absent', at: AT }, later(1000 + REPORT_GRACE_MS))
    expect(move).toMatchObject({
      do: 'note',
      state: 'failed',
      reason: expect.stringContaining('no longer on its host'),
    })
  })

  it('a generation that was never ordered is told, and nothing is done about it', () => {
    const move = step(startedInstance(), says({ generation: 9 }))
    expect(move).toMatchObject({
      do: 'note',
      state: 'failed',
      reason: expect.stringContaining('generation 9'),
    })
    expect(step(newInstance(), says({ generation: 9 }))).toMatchObject({ do: 'note', state: 'failed' })
  })

  it('an agent that cannot report leaves the health unknown, with the remedy', () => {
    const report: KnownReport = {
      kind: 'unsupported',
      at: AT,
      code: 'agent.method_unknown',
      reason: 'Its agent is too old. Upgrade it.',
    }
    expect(step(startedInstance(), report)).toMatchObject({
      do: 'note',
      state: 'running',
      health: 'unknown',
      reason: 'Its agent is too old. Upgrade it.',
    })
  })

  it('jobs that have all ended are finished and not started again', () => {
    expect(step(startedInstance(), says({ state: 'finished' }))).toMatchObject({
      do: 'note',
      state: 'finished',
    })
  })

  it('a stopped instance that somebody started on its host is told as running', () => {
    const stopped = newInstance({ wanted: 'stopped', state: 'stopped', stepEndedAt: AT })
    expect(step(stopped, says({}), later(REPORT_GRACE_MS))).toMatchObject({ do: 'note', state: 'running' })
  })
})
