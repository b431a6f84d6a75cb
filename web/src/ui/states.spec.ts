import { expect, it } from 'vitest'
import { ApiError } from '../api/client.ts'
import { blocks } from './states.tsx'

it('what is on a page stays while the server is away, and goes when it is refused or is there no more', () => {
  const away = new ApiError('network', 'no answer')
  const busy = new ApiError('server.overloaded', 'later', {}, 503)
  const gone = new ApiError('host.not_found', 'gone', {}, 404)
  const refused = new ApiError('request.forbidden', 'not yours', {}, 403)
  expect([away, busy].map((error) => blocks({ error, data: {} }))).toEqual([false, false])
  expect([gone, refused].map((error) => blocks({ error, data: {} }))).toEqual([true, true])
  expect([away, gone].map((error) => blocks({ error, data: undefined }))).toEqual([true, true])
  expect(blocks({ error: null, data: undefined })).toBe(false)
})
