import { expect, it } from 'vitest'
import { styled } from './ansi.ts'

const text = (line: string) =>
  styled(line)
    .parts.map((part) => part.text)
    .join('')

it('what would act on a terminal is left out: titles, links, the clipboard, the cursor', () => {
  const line =
    'a\x1b]0;title\x07b\x1b]8;;http://evil\x1b\\c\x1b]52;c;cm0=\x07d\x1b[2J\x1b[Hef\x1bPq\x1b\\g\x1b'
  expect(text(line)).toBe('abcdefg')
})

it('marks that turn text round, and control characters, are seen and do nothing', () => {
  expect(text('a\u202eb\u0000c\u200bd\te')).toBe('a\ufffdb\u2400c\ufffdd\te')
})

it('colours become CSS of our own making, whatever numbers a host says', () => {
  const { parts } = styled('\x1b[31mred\x1b[1;38;5;999mx\x1b[48;2;1;2;900my\x1b[0mz')
  expect(parts.map((part) => part.style)).toEqual([
    { color: '#ff7b72' },
    { color: 'rgb(238,238,238)', fontWeight: 700 },
    { color: 'rgb(238,238,238)', fontWeight: 700, background: 'rgb(1,2,255)' },
    {},
  ])
})

it('reverse video lets ink and paper change places, until it is switched off', () => {
  const colours = (line: string) =>
    styled(line).parts.map(({ text, style }) => [text, style.color, style.background])
  expect(colours('\u001b[7mplain\u001b[27m on')).toEqual([
    ['plain', '#0d1117', '#e6edf3'],
    [' on', undefined, undefined],
  ])
  expect(colours('\u001b[31;7mred')).toEqual([['red', '#0d1117', '#ff7b72']])
})
