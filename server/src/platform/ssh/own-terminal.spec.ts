import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { withOwnTerminal } from './own-terminal.ts'

function run(argv: string[], input: Buffer | string = '') {
  const [program = '', ...words] = withOwnTerminal(argv)
  return spawnSync(program, words, { input })
}

describe('a program with a terminal of its own', () => {
  it('is controlled by one, as a sudo with requiretty asks', () => {
    const { status, stderr } = run(['sh', '-c', 'exec 3<>/dev/tty'])
    expect(stderr.toString()).toBe('')
    expect(status).toBe(0)
  })

  it('keeps its input and outputs: binary, apart, with their ends', () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7) % 256))
    expect(run(['cat'], bytes).stdout.equals(bytes)).toBe(true)
    const { stdout, stderr } = run([
      'sh',
      '-c',
      '[ ! -t 0 ] && [ ! -t 1 ] && printf "a\\n"; printf "b\\n" >&2',
    ])
    expect([stdout.toString(), stderr.toString()]).toEqual(['a\n', 'b\n'])
  })

  it('ends as it ends', () => {
    expect(run(['sh', '-c', 'exit 7']).status).toBe(7)
    expect(run(['sh', '-c', 'kill -KILL $$']).status).toBe(137)
    expect(run(['no-such-program']).status).toBe(127)
  })

  it('is not stopped by what it writes to that terminal', () => {
    expect(run(['sh', '-c', 'head -c 300000 /dev/zero >/dev/tty; echo through']).stdout.toString()).toBe(
      'through\n',
    )
  })
})
