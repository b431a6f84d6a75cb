import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { harmless, LinePrinter } from './printer.ts'

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

it.each([
  ['a C1 control in UTF-8', 'a\u009b2Jb', 'a?2Jb'],
  ['a C1 control that ends a string', '\u009d0;title\u009cx', '?0;title?x'],
  ['a mark that turns the direction', 'ok \u202Edenied\u2069', 'ok ?denied?'],
  ['an Arabic letter mark and line ends of other kinds', '\u061c\u200f\u2028', '???'],
  ['invisible tags', 'a\u{E0041}b', 'a?b'],
  ['a next line', 'a\u0085b | forged', 'a?b | forged'],
])('%s does not reach a terminal that hosts share', async (_what, text, expected) => {
  expect(await shown(`${text}\n`, true)).toBe(`a | ${expected}\n`)
})

it('bytes that are no UTF-8 are no controls on a terminal that hosts share', () => {
  expect([...harmless(Buffer.from([0x61, 0x9b, 0x32, 0x4a, 0x85]))]).not.toContain(0x85)
  expect(harmless(Buffer.from([0x61, 0x9b, 0x32, 0x4a])).toString()).toBe('a\ufffd2J')
})

it('a colour, or hidden text, that a host leaves open does not reach the lines of others', async () => {
  expect(await shown('\x1b[8mhidden\n', true)).toBe('a | \x1b[8mhidden\x1b[0m\n')
  expect(await shown('\x1b[31mred\x1b[m\n', true)).toBe('a | \x1b[31mred\x1b[m\n')
})

it('letters that are joined without being seen pass', async () => {
  expect(await shown('👩\u200d🚀 می\u200cخواهم\n', true)).toBe('a | 👩\u200d🚀 می\u200cخواهم\n')
})

it('colours, tabs and line ends of other systems pass', async () => {
  expect(await shown('\x1b[31mred\x1b[0m\tü\r\n', true)).toBe('a | \x1b[31mred\x1b[0m\tü\r\n')
})

it('what goes to a file stays as it is', async () => {
  expect(await shown('\r\x1b[2K\n', false)).toBe('a | \r\x1b[2K\n')
})
