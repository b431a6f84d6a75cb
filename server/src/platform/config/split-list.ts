/** Returns the items of a comma-separated list, trimmed and without empty ones. Pure. */
export const splitList = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)
