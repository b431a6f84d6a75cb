import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { quoteArgv } from './shell-quote.ts'

const MARK = 'mark'
const MARKS = { stdout: MARK, stderr: 'errors' }

function argvSeenBy(shell: string, argv: readonly string[]): string[] {
  const output = execFileSync(shell, ['-c', quoteArgv(['printf', '%s\\0', ...argv], MARKS)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  expect(output.startsWith(`${MARK}\n`)).toBe(true)
  return output
    .slice(MARK.length + 1)
    .split('\0')
    .slice(0, -1)
}

const has = (shell: string) => ['/bin', '/usr/bin'].some((folder) => existsSync(`${folder}/${shell}`))

const NASTY = [
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
  '\\\\',
  '!a',
  '^a^b',
  '%1',
  'a\\',
  'ü',
  '𝄞',
  '\u001b[31m',
  "'; rm -rf /; '",
]

describe.each(['sh', 'bash', 'rbash', 'csh', 'tcsh', 'fish', 'zsh'].filter(has))(
  'quoting for %s',
  (shell) => {
    it('a quoted argument reaches the program unchanged', () => {
      expect(argvSeenBy(shell, NASTY)).toEqual(NASTY)
      expect(argvSeenBy(shell, ['long', 'x'.repeat(3000)])).toHaveLength(2)
    })
  },
)

const RUN = "sh -c 'echo errors >&2; echo mark; exec sudo -n -- rm /opt/x'"

describe('quoting', () => {
  it('quoting leaves plain words readable', () => {
    expect(quoteArgv(['sudo', '-n', '--', 'rm', '/opt/x'], MARKS)).toBe(`exec ${RUN} || ${RUN}`)
  })

  it('quoting yields printable characters only', () => {
    expect(quoteArgv(['echo', 'ü\n\u0007'], MARKS)).toMatch(/^[ -~]+$/)
  })

  it('quoting keeps a program named like an assignment from being one', () => {
    expect(() => execFileSync('sh', ['-c', quoteArgv(['A=b', 'true'], MARKS)], { stdio: 'pipe' })).toThrow(
      /127|not found/,
    )
  })

  it('quoting refuses text that no argv can hold', () => {
    expect(() => quoteArgv([], MARKS)).toThrow(RangeError)
    expect(() => quoteArgv(['a\0b'], MARKS)).toThrow(RangeError)
  })
})
