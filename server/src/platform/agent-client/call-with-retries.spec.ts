import { RollcallError } from '@rollcall/contracts'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { callWithRetries } from './call-with-retries.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const away = () => new RollcallError('agent.unreachable', 'away')

it('a silent agent is called four times in all, after one, two and four seconds', async () => {
  const at: number[] = []
  const start = Date.now()
  const result = callWithRetries(async () => {
    at.push(Date.now() - start)
    throw away()
  }).catch((error) => error)
  await vi.runAllTimersAsync()
  expect(await result).toMatchObject({ code: 'agent.unreachable' })
  expect(at).toEqual([0, 1000, 3000, 7000])
})

it('refused credentials, a changed identity and errors of the agent are not retried', async () => {
  for (const code of [
    'agent.credentials_refused',
    'agent.identity_changed',
    'agent.invalid_answer',
    'agent.overloaded',
    'command.not_found',
  ] as const) {
    const call = vi.fn().mockRejectedValue(new RollcallError(code, 'no'))
    await expect(callWithRetries(call)).rejects.toMatchObject({ code })
    expect(call).toHaveBeenCalledTimes(1)
  }
})

it('an aborted retry stops waiting at once', async () => {
  const aborting = new AbortController()
  const call = vi.fn().mockRejectedValue(away())
  const result = callWithRetries(call, aborting.signal).catch((error: Error) => error)
  await vi.advanceTimersByTimeAsync(500)
  aborting.abort()
  expect(await result).toMatchObject({ name: 'AbortError' })
  expect(call).toHaveBeenCalledTimes(1)
})

it('a refusal after an attempt with a lost answer is not certain', async () => {
  const call = vi
    .fn()
    .mockRejectedValueOnce(new RollcallError('agent.unreachable', 'cut', { outcome: 'unknown' }))
    .mockRejectedValueOnce(new RollcallError('agent.credentials_refused', 'no'))
  const result = callWithRetries(call).catch((error) => error)
  await vi.runAllTimersAsync()
  expect(await result).toMatchObject({ code: 'agent.credentials_refused', outcome: 'unknown' })
})
