import { expect, it } from 'vitest'
import { isAllowedOrigin } from './origin.ts'

it('lets in programs and pages of this server, and no page of another', () => {
  expect(isAllowedOrigin(undefined, 'rollcall:8420', [])).toBe(true)
  expect(isAllowedOrigin('http://rollcall:8420', 'rollcall:8420', [])).toBe(true)
  expect(isAllowedOrigin('https://admin.example', 'rollcall:8420', ['https://admin.example'])).toBe(true)
  for (const origin of [
    'http://evil.example',
    'http://rollcall',
    'http://rollcall:8420.evil.example',
    'null',
    '',
  ])
    expect(isAllowedOrigin(origin, 'rollcall:8420', []), origin).toBe(false)
})
