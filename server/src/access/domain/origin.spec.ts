import { expect, it } from 'vitest'
import { isAllowedOrigin } from './origin.ts'

const HTTP = { host: 'rollcall:8420', isSecure: false, allowed: [] }

it('programs and pages of this server are accepted, and no page of another', () => {
  expect(isAllowedOrigin(undefined, HTTP)).toBe(true)
  expect(isAllowedOrigin('http://rollcall:8420', HTTP)).toBe(true)
  expect(isAllowedOrigin('https://rollcall.example', { ...HTTP, host: 'rollcall.example:443' })).toBe(true)
  const allowed = { ...HTTP, allowed: ['https://admin.example'] }
  expect(isAllowedOrigin('https://admin.example', allowed)).toBe(true)
  for (const origin of [
    'http://evil.example',
    'http://rollcall',
    'http://rollcall:8420.evil.example',
    'ftp://rollcall:8420',
    'null',
    '',
  ])
    expect(isAllowedOrigin(origin, HTTP), origin).toBe(false)
  expect(isAllowedOrigin('http://evil.example', { ...HTTP, host: 'x@evil.example' })).toBe(false)
})

it('a page without HTTPS is refused where the server is public by HTTPS, whatever the host', () => {
  const secure = { host: 'rollcall.example', isSecure: true, allowed: ['http://old.example'] }
  expect(isAllowedOrigin('https://rollcall.example', secure)).toBe(true)
  for (const origin of ['http://rollcall.example', 'http://old.example', 'ws://rollcall.example'])
    expect(isAllowedOrigin(origin, secure), origin).toBe(false)
})
