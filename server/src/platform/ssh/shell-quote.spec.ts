import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { quoteArgv } from './shell-quote.ts'

const argvSeenBy = (shell: string, argv: readonly string[]) =>
  execFileSync(shell, ['-c', quoteArgv(['printf', '%s\\0', ...argv])], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1)

const NASTY = [
  ...[
    '',
    ' ',
    'a b',
    "it's",
    "''",
    '"',
    '$HOME',
    '`id`',
    '$(id)',
    '\\',
    '\\n',
    '*',
    '~',
    '!!',
    '#',
    '&',
    ';',
    '|',
  ],
  ...[
    '>',
    '<',
    '(',
    '{a,b}',
    '[x]',
    'a=b',
    '-n',
    '--',
    '\n',
    'a\n',
    '\t',
    'ü',
    '𝄞',
    '\u001b[31m',
    "'; rm -rf /; '",
  ],
]

describe.each(['sh', 'bash'])('quoting for %s', (shell) => {
  it('hands every argument over as it is', () => {
    expect(argvSeenBy(shell, NASTY)).toEqual(NASTY)
  })
})

describe('quoting', () => {
  it('leaves plain words readable', () => {
    expect(quoteArgv(['sudo', '-n', '--', 'rm', '/opt/x'])).toBe('sudo -n -- rm /opt/x')
  })

  it('does not let a program be named like an assignment', () => {
    expect(quoteArgv(['A=b', 'c'])).toBe("'A=b' c")
  })

  it('refuses what no argv can hold', () => {
    expect(() => quoteArgv([])).toThrow(RangeError)
    expect(() => quoteArgv(['a\0b'])).toThrow(RangeError)
  })
})
