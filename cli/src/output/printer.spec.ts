import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { LinePrinter } from './printer.ts'

async function shown(text: string, isTTY: boolean): Promise<string> {
  const stdout = Object.assign(new PassThrough(), { isTTY })
  const stderr = new PassThrough()
  const printer = new LinePrinter({ stdout, stderr, env: { NO_COLOR: '1' } } as never, ['a', 'b'])
  await printer.output({ id: '1', host: 'a' }, {
    stream: 'stdout',
    offset: 0,
    data: Buffer.from(text),
  } as never)
  return String(stdout.read())
}

it('a host cannot write the line of another on a terminal that they share', async () => {
  expect(await shown('fine\r\x1b[2K\x1b[1Ab | forged\n', true)).toBe('a | fine??[2K?[1Ab | forged\n')
})

it('colours, tabs and line ends of other systems pass', async () => {
  expect(await shown('\x1b[31mred\x1b[0m\tü\r\n', true)).toBe('a | \x1b[31mred\x1b[0m\tü\r\n')
})

it('what goes to a file stays as it is', async () => {
  expect(await shown('\r\x1b[2K\n', false)).toBe('a | \r\x1b[2K\n')
})
