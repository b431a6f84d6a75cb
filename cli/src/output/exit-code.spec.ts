import { describe, expect, it } from 'vitest'
import { toExitCode } from './exit-code.ts'

const of = (state: Parameters<typeof toExitCode>[0][number] & object) => ({ ...state })
const ended = (
  state: 'success' | 'failed' | 'timed_out' | 'cancelled' | 'lost',
  exitCode: number | null = null,
  signal: string | null = null,
) => of({ state, exitCode, signal })

describe('toExitCode', () => {
  it.each([
    ['success', ended('success', 0), 0],
    ["the program's own code", ended('failed', 42), 42],
    ['a signal', ended('failed', null, 'SIGKILL'), 137],
    ['a signal that this machine does not know', ended('failed', null, 'SIGRTMIN+3'), 1],
    ['not started', ended('failed'), 1],
    ['timed out, whatever the program then returned', ended('timed_out', 0, 'SIGTERM'), 124],
    ['cancelled, whatever the program then returned', ended('cancelled', 0, 'SIGTERM'), 130],
    ['lost', ended('lost'), 1],
    ['never seen to end', undefined, 1],
  ])('the exit code for one host, %s', (_what, command, code) => {
    expect(toExitCode([command])).toBe(code)
  })

  it('several hosts are 0 only when every one succeeded', () => {
    expect(toExitCode([ended('success', 0), ended('success', 0)])).toBe(0)
    expect(toExitCode([ended('success', 0), ended('failed', 42)])).toBe(1)
    expect(toExitCode([ended('cancelled'), ended('cancelled')])).toBe(1)
    expect(toExitCode([ended('success', 0), undefined])).toBe(1)
  })
})
