import { describe, expect, test } from 'vitest'
import { LineSplitter } from '../control-channel.ts'
import { resolveProgram } from '../resolve-program.ts'
import { childEnvironment } from './child-environment.ts'
import { decideEnding, type EndingView, KILL_AFTER_MS, toResult, toSignalName } from './ending.ts'

const view: EndingView = { startedMs: 1000, timeoutMs: 5000, ending: null, wasKilled: false, requested: null }
const counts = { stdout: 1, stderr: 2, dropped: 0, started_at_ms: 1, ended_at_ms: 2 }

describe('ending a command', () => {
  test('a command gets TERM at its timeout and nothing before', () => {
    expect(decideEnding(view, 5999)).toEqual({ kind: 'wait', inMs: 1 })
    expect(decideEnding(view, 6000)).toEqual({ kind: 'term', cause: 'timed_out' })
  })

  test('a cancelled command stays cancelled after its timeout', () => {
    expect(decideEnding({ ...view, requested: 'cancelled' }, 9999)).toEqual({
      kind: 'term',
      cause: 'cancelled',
    })
  })

  test('a command gets KILL once, ten seconds after TERM', () => {
    const ending = { cause: 'timed_out', sinceMs: 6000 } as const
    expect(decideEnding({ ...view, ending }, 6000 + KILL_AFTER_MS - 1)).toEqual({ kind: 'wait', inMs: 1 })
    expect(decideEnding({ ...view, ending }, 6000 + KILL_AFTER_MS)).toEqual({ kind: 'kill' })
    expect(decideEnding({ ...view, ending, wasKilled: true }, 10 ** 9)).toEqual({ kind: 'wait', inMs: null })
  })

  test('every command that keeps running is killed eventually', () => {
    let now = 0
    const state: EndingView = { ...view }
    const seen: string[] = []
    for (let steps = 0; steps < 10; steps++) {
      const decision = decideEnding(state, now)
      seen.push(decision.kind)
      if (decision.kind === 'wait' && decision.inMs === null) break
      if (decision.kind === 'wait') now += decision.inMs ?? 0
      if (decision.kind === 'term') state.ending = { cause: decision.cause, sinceMs: now }
      if (decision.kind === 'kill') state.wasKilled = true
    }
    expect(seen).toEqual(['wait', 'term', 'wait', 'kill', 'wait'])
  })

  test('an ended program is no success, whatever its exit code', () => {
    expect(toResult({ code: 0, signal: null }, 'timed_out', counts)).toMatchObject({
      status: 'timed_out',
      success: false,
      return_code: 0,
    })
    expect(toResult({ code: 0, signal: null }, null, counts)).toMatchObject({
      status: 'success',
      success: true,
    })
    expect(toResult({ code: null, signal: 'SIGKILL' }, null, counts)).toMatchObject({
      status: 'failed',
      signal: 'SIGKILL',
    })
  })

  test('signal names satisfy the contract', () => {
    expect([toSignalName(0), toSignalName(undefined), toSignalName(9), toSignalName(36)]).toEqual([
      null,
      null,
      'SIGKILL',
      'SIGRTMIN+2',
    ])
  })
})

test('variables of the caller override those of a login', () => {
  const login = { umask: 0o022, env: { LANG: 'de_DE.UTF-8' } }
  expect(childEnvironment(login, { LANG: 'C', X: '1' }, true)).toMatchObject({
    LANG: 'C',
    X: '1',
    TERM: 'xterm-256color',
  })
  expect(childEnvironment(login, {}, false)).not.toHaveProperty('TERM')
})

test('programs are resolved as a shell does', () => {
  expect(resolveProgram('sh', '/', '/nowhere:/bin')).toEqual({ path: '/bin/sh' })
  expect(resolveProgram('./sh', '/bin', '')).toEqual({ path: '/bin/sh' })
  expect(resolveProgram('sh', '/', '/nowhere')).toMatchObject({ returnCode: 127 })
  expect(resolveProgram('passwd', '/', '/etc')).toMatchObject({ returnCode: 126 })
})

test('messages are split into lines, and an endless line is dropped', () => {
  const splitter = new LineSplitter()
  expect(splitter.push('a\nb')).toEqual(['a'])
  expect(splitter.push('c\n\nd\n')).toEqual(['bc', 'd'])
  for (let i = 0; i < 10; i++) expect(splitter.push('x'.repeat(1000))).toEqual([])
  expect(splitter.push('tail\nnext\n')).toEqual(['next'])
})
