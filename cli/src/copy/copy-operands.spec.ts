import { expect, it } from 'vitest'
import { parseMode, parseRemote, toDestination } from './copy-operands.ts'

it('a place on hosts is told from a path of this machine', () => {
  expect(parseRemote('web-1:/etc/motd')).toEqual({ hosts: ['web-1'], path: '/etc/motd' })
  expect(parseRemote('a, b,a:/x')).toEqual({ hosts: ['a', 'b'], path: '/x' })
  expect(parseRemote(':/x')).toEqual({ hosts: [], path: '/x' })
  expect(parseRemote('./a:b')).toBeNull()
  expect(parseRemote('file')).toBeNull()
  expect(() => parseRemote('web-1:etc')).toThrow('absolute')
})

it('a folder keeps the name of what comes into it', () => {
  expect(toDestination('/etc/', 'motd')).toBe('/etc/motd')
  expect(toDestination('/etc/issue', 'motd')).toBe('/etc/issue')
})

it('a mode is octal, and nothing else is guessed at', () => {
  expect(parseMode('0640')).toBe(0o640)
  expect(() => parseMode('9')).toThrow('octal')
  expect(() => parseMode('u+x')).toThrow('octal')
})
