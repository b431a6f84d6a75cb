import { list } from '../read/collections.ts'
import { text } from '../read/scalars.ts'
import { byKind, converted, type Shape } from '../read/shape.ts'

/** An argument may have line breaks, as scripts for `sh -c` do. */
export const argument = text({ form: 'an argument', max: 32_768, isMultiline: true })
const MAX_ARGUMENTS = 500

/** Thrown for a text that is no list of words. */
class WordsError extends Error {
  readonly instead: string

  constructor(reason: string, instead: string) {
    super(reason)
    this.instead = instead
  }
}

/**
 * Splits a command into words as Compose does: spaces, quotes and backslashes, and no shell. Throws `WordsError` for what only a shell
 * would understand: Compose cuts the command there, without a word.
 */
function splitWords(command: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < command.length; at++) {
    const character = command[at] ?? ''
    if (character === '\\' && quote !== "'") word = (word ?? '') + (command[++at] ?? '')
    else if (quote !== '') {
      if (character === quote) quote = ''
      else word = (word ?? '') + character
    } else if (character === '"' || character === "'") {
      quote = character
      word ??= ''
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (/[;&|<>]/.test(character))
      throw new WordsError(
        'has a character for a shell, and no shell runs it',
        'write a list: [sh, -c, "…"], or put the character in quotes',
      )
    else word = (word ?? '') + character
  }
  if (quote !== '') throw new WordsError('has a quote without its end', 'close the quote')
  if (word !== undefined) words.push(word)
  return words
}

/** A program with its arguments, as a list or as a text that is split into words. An empty one is an empty list. */
export const command: Shape<string[]> = byKind({
  scalar: converted(text({ form: 'a command', max: 65_536, isMultiline: true }), (value, node, reader) => {
    try {
      return splitWords(value)
    } catch (error) {
      if (!(error instanceof WordsError)) throw error
      return reader.fault(node.place, error.message, error.instead)
    }
  }),
  list: list(argument, 'a list of its words', MAX_ARGUMENTS),
})
