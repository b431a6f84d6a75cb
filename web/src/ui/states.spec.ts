import { expect, it } from 'vitest'
import { ApiError } from '../api/client.ts'
import { blocks } from './states.tsx'

it('what is on a page stays while the server is away, and goes when it is refused or is there no more', () => {
  const away = new ApiError('no answer', { code: 'network' })
  const busy = new ApiError('later', { code: 'server.overloaded' })
  const gone = new ApiError('gone', { code: 'host.not_found' })
  const refused = new ApiError('not yours', { code: 'request.forbidden' })
  expect([away, busy].map((error) => blocks({ error, data: {} }))).toEqual([false, false])
  expect([gone, refused].map((error) => blocks({ error, data: {} }))).toEqual([true, true])
  expect([away, gone].map((error) => blocks({ error, data: undefined }))).toEqual([true, true])
  expect(blocks({ error: null, data: undefined })).toBe(false)
})
