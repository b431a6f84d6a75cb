import { ApiError, UnreachableError } from '@rollcall/contracts/client'
import { describe, expect, it } from 'vitest'
import { NoServerError } from '../errors.ts'
import { retrying } from './retry.ts'

const signal = new AbortController().signal
const failing = (times: number, error: Error) => {
  let calls = 0
  return async () => {
    if (++calls <= times) throw error
    return calls
  }
}

describe('retrying', () => {
  it('a request is retried if there is no answer or the server is busy', async () => {
    expect(await retrying(failing(1, new UnreachableError('no')), { forMs: 5000, signal })).toBe(2)
    const busy = new ApiError('busy', { kind: 'unavailable', code: 'server.overloaded' })
    expect(await retrying(failing(1, busy), { forMs: 5000, signal })).toBe(2)
  })

  it('a refused request is not retried, nor one for which no server runs', async () => {
    const refused = new ApiError('no', { kind: 'rejected', code: 'host.not_found' })
    await expect(retrying(failing(1, refused), { forMs: 5000, signal })).rejects.toBe(refused)
    const nowhere = new NoServerError('none')
    await expect(retrying(failing(1, nowhere), { forMs: 5000, signal })).rejects.toBe(nowhere)
  })

  it('retrying ends with the last failure when the time is over', async () => {
    const error = new UnreachableError('no')
    await expect(retrying(failing(1000, error), { forMs: 300, signal })).rejects.toBe(error)
  })
})
