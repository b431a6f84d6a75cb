/** A row's number and size. */
export interface SizedRow {
  seq: number
  bytes: number
}

/**
 * Splits rows, in order, into pages of at most `maxBytes`; a larger row has its own page. Returns the number of each
 * page's last row. Pure.
 */
export function splitByBytes(rows: readonly SizedRow[], maxBytes: number): number[] {
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
