/** Where one page of entries ends. */
export interface Sized {
  seq: number
  bytes: number
}

/**
 * Cuts rows, in order, into pages of at most `maxBytes`; one that is larger is a page of its own. Returns the number of each page's
 * last row. Pure.
 */
export function pagesByBytes(rows: readonly Sized[], maxBytes: number): number[] {
  const ends: number[] = []
  let bytes = 0
  for (const [at, row] of rows.entries()) {
    const before = rows[at - 1]
    if (before && bytes + row.bytes > maxBytes) {
      ends.push(before.seq)
      bytes = 0
    }
    bytes += row.bytes
  }
  const last = rows.at(-1)
  return last ? [...ends, last.seq] : []
}
