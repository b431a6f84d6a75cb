import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { withOwnTerminal } from './own-terminal.ts'

function run(argv: string[], input: Buffer | string = '') {
  const [program = '', ...words] = withOwnTerminal(argv)
  return spawnSync(program, words, { input })
}

describe('a program with a terminal of its own', () => {
  it('a program with its own terminal is controlled by it, as requiretty demands', () => {
    const { status, stderr } = run(['sh', '-c', 'exec 3<>/dev/tty'])
    expect(stderr.toString()).toBe('')
    expect(status).toBe(0)
  })

  it('a program with its own terminal has binary, separate inputs and outputs', () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7) % 256))
    expect(run(['cat'], bytes).stdout.equals(bytes)).toBe(true)
    const { stdout, stderr } = run([
      'sh',
      '-c',
      '[ ! -t 0 ] && [ ! -t 1 ] && printf "a\\n"; printf "b\\n" >&2',
    ])
    expect([stdout.toString(), stderr.toString()]).toEqual(['a\n', 'b\n'])
  })

  it('the exit code of a program with its own terminal is passed on', () => {
    expect(run(['sh', '-c', 'exit 7']).status).toBe(7)
    expect(run(['sh', '-c', 'kill -KILL $$']).status).toBe(137)
    expect(run(['no-such-program']).status).toBe(127)
  })

  it('a program is not stopped by writing to its own terminal', () => {
    expect(run(['sh', '-c', 'head -c 300000 /dev/zero >/dev/tty; echo through']).stdout.toString()).toBe(
      'through\n',
    )
  })
})
