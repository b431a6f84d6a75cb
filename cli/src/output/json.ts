/**
 * JSON that cannot act on a terminal: invisible and control characters are written as escapes, which changes nothing
 * for who parses it.
 */
function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(
    /[\u007f-\u009f\p{Cf}\u2028\u2029]/gu,
    (character) =>
      Array.from(
        { length: character.length },
        (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
      ).join(''),
  )
}

/** One document. */
export const jsonDocument = (value: unknown) => `${toJson(value, 2)}\n`
/** One line of many. */
export const jsonLine = (value: unknown) => `${toJson(value)}\n`
