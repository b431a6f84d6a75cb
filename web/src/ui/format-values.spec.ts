import { expect, it } from 'vitest'
import { bytesText, commandLine, commandTitle, durationText, splitWords } from './format-values.ts'

it('what is typed becomes the same words again, whatever is in them', () => {
  for (const words of [
    ['sh', '-c', 'echo \'a b\' "c" $HOME'],
    ['printf', ''],
    ['a\\b', 'ü', '*'],
  ])
    expect(splitWords(commandLine(words[0] as string, words.slice(1)))).toEqual(words)
})

it('expands nothing, and says when a quote is open', () => {
  expect(splitWords('echo $HOME * "a\\"b" c\\ d')).toEqual(['echo', '$HOME', '*', 'a"b', 'c d'])
  expect(splitWords("echo 'a")).toBeUndefined()
})

it('sizes and times are short', () => {
  expect([0, 1023, 1536, 5 * 2 ** 30].map(bytesText)).toEqual(['0 B', '1023 B', '1.5 KiB', '5.0 GiB'])
  expect([999, 65_000, 3_720_000, 90_000_000].map(durationText)).toEqual([
    '1 s',
    '1 min 5 s',
    '1 h 2 min',
    '1 d 1 h',
  ])
})

it('a script of many lines makes a heading of one', () => {
  expect(commandTitle('sh', ['-c', 'echo a\n  echo b\n'])).toBe("sh -c 'echo a \u23ce echo b \u23ce '")
})
