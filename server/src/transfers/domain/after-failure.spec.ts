import { RETRY_POLICIES, RollcallError } from '@rollcall/contracts'
import { expect, it } from 'vitest'
import { afterFailure } from './after-failure.ts'

const now = new Date('2026-01-01T00:00:00Z')
const GIVE_UP_MS = RETRY_POLICIES.transfer.giveUpAfterMs
const later = (ms: number) => new Date(now.getTime() + ms)

it('what may pass is tried again, and the hour counts from the first failure', () => {
  const error = new RollcallError('agent.unreachable', 'no answer')
  const first = afterFailure({ unansweredSince: null }, error, now, 1)
  expect(first).toEqual({ do: 'retry', at: later(5000), unansweredSince: now })
  expect(afterFailure({ unansweredSince: now }, error, later(GIVE_UP_MS - 1), 1)).toMatchObject({
    do: 'retry',
    unansweredSince: now,
  })
  expect(afterFailure({ unansweredSince: now }, error, later(GIVE_UP_MS), 1)).toMatchObject({ do: 'fail' })
})

it.each([
  'file.disk_full',
  'file.path_refused',
  'agent.credentials_refused',
  'file.content_wrong',
  'file.worker_died',
] as const)('%s is told at once', (code) =>
  expect(afterFailure({ unansweredSince: null }, new RollcallError(code, 'no'), now, 1)).toEqual({
    do: 'fail',
    reason: 'no',
  }),
)
