import { expect, test } from 'vitest'
import { type CommandView, decideFromSpool, lostResult, toStatus } from './command-state.ts'
import { toHostView } from './command-view.ts'
import { parseMessage } from './runner-messages.ts'
import { hashParams, type SpecRecord } from './spool-records.ts'

const spec = { boot_id: 'now' } as SpecRecord
const started = { runner: { pid: 1, start: '1' }, started_at_ms: 1, program: null }
const view = (change: Partial<CommandView> = {}): CommandView => ({
  spec,
  isClaimed: false,
  started: null,
  exit: null,
  isUnreadable: false,
  ...change,
})
const host = { bootId: 'now', isRunnerAlive: true }

test('a recorded end is final, whatever other records say', () => {
  const exit = { status: 'success' } as NonNullable<CommandView['exit']>
  const decision = decideFromSpool(view({ exit, started, isClaimed: true }), {
    bootId: 'later',
    isRunnerAlive: false,
  })
  expect(decision).toEqual({ kind: 'final', result: exit })
})

test('an unclaimed command may start in the boot that accepted it and never in a later one', () => {
  expect(decideFromSpool(view(), host).kind).toBe('startable')
  expect(decideFromSpool(view(), { ...host, bootId: 'later' })).toMatchObject({
    kind: 'lost',
    reason: 'command.host_restarted',
  })
})

test('a claimed command is never startable again', () => {
  for (const isRunnerAlive of [true, false]) {
    for (const record of [started, null]) {
      const decision = decideFromSpool(view({ isClaimed: true, started: record }), {
        bootId: 'now',
        isRunnerAlive,
      })
      expect(decision.kind).toBe(isRunnerAlive ? 'running' : 'lost')
    }
  }
})

test('a lost command is reported as running until its end is recorded', () => {
  const lost = decideFromSpool(view({ isClaimed: true }), { ...host, isRunnerAlive: false })
  expect(lost.kind).toBe('lost')
  expect(toStatus(lost)).toBe('running')
})

test('the hash of a command depends on the values of its variables, not on their order', () => {
  const params = { command_id: 'x', command: 'a', args: [], timeout: 1 } as unknown as Parameters<
    typeof hashParams
  >[0]
  const hash = (env: Record<string, string>) => hashParams({ ...params, env })
  expect(hash({ A: '1', B: '2' })).toBe(hash({ B: '2', A: '1' }))
  expect(hash({ A: '1' })).not.toBe(hash({ A: '2' }))
})

test('a malformed message to the runner is ignored', () => {
  for (const line of [
    '',
    '{',
    '{"op":"start"}',
    '{"op":"start","id":"../x"}',
    '[]',
    '{"op":"resize","id":"x"}',
  ]) {
    expect(parseMessage(line)).toBeNull()
  }
  expect(parseMessage('{"op":"scan"}')).toEqual({ op: 'scan' })
})

test('a claim without details is running for the agent and lost for another runner', () => {
  const claimed = view({ isClaimed: true })
  expect(decideFromSpool(claimed, toHostView(claimed, 'now')).kind).toBe('running')
  expect(decideFromSpool(claimed, toHostView(claimed, 'now', { pid: 1, start: '1' })).kind).toBe('lost')
})

test('a withdrawn command is cancelled even if a runner recorded it as lost meanwhile', () => {
  const claim = { ...started, withdrawn_at_ms: 7 }
  const exit = { status: 'lost' } as NonNullable<CommandView['exit']>
  for (const bootId of ['now', 'later']) {
    const decision = decideFromSpool(view({ isClaimed: true, started: claim, exit }), { ...host, bootId })
    expect(decision).toMatchObject({ kind: 'final', result: { status: 'cancelled', ended_at_ms: 7 } })
    expect(toStatus(decision)).toBe('cancelled')
  }
})

test('a command with an unreadable record is lost unless its end is recorded', () => {
  for (const damaged of [view({ spec: null, isUnreadable: true }), view({ isUnreadable: true })]) {
    expect(decideFromSpool(damaged, host)).toMatchObject({ kind: 'lost', reason: 'command.runner_died' })
    const exit = { status: 'success' } as NonNullable<CommandView['exit']>
    expect(decideFromSpool({ ...damaged, exit }, host)).toEqual({ kind: 'final', result: exit })
  }
})

test('a lost command never ends before it started, even if the clock was set back', () => {
  const lost = decideFromSpool(view({ isClaimed: true }), { ...host, isRunnerAlive: false })
  if (lost.kind !== 'lost') throw new Error('not lost')
  const claimed = view({ isClaimed: true, started: { ...started, started_at_ms: 5000 } })
  expect(lostResult(claimed, lost, { stdout: 0, stderr: 0 }, 1000)).toMatchObject({ ended_at_ms: 5000 })
})
