const TRAILING_NUMBER = /^(.*?)(\d+)(\D*)$/

interface Numbered {
  name: string
  prefix: string
  digits: string
  suffix: string
}

/**
 * Names in short: `web-1, web-2, web-3, db` as `db, web-[1-3]`, and `n01 … n20` as `n[01-20]`. The last number of a name
 * counts; names are put together where all else is equal and the number has as many digits, or no leading zero.
 */
export function foldHosts(names: readonly string[]): string {
  const groups = new Map<string, Numbered[]>()
  for (const name of new Set(names)) {
    const [, prefix = name, digits = '', suffix = ''] = TRAILING_NUMBER.exec(name) ?? []
    // A number too large to count with stands for itself.
    const isPadded = digits.length > 1 && digits.startsWith('0')
    const kind = digits.length > 15 ? digits : isPadded ? String(digits.length) : ''
    const key = digits === '' ? name : JSON.stringify([prefix, suffix, kind])
    const group = groups.get(key)
    if (group) group.push({ name, prefix, digits, suffix })
    else groups.set(key, [{ name, prefix, digits, suffix }])
  }
  mergePadded(groups)
  return [...groups.values()]
    .map(folded)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join(',')
}

/** `08, 09` and `10` belong together, though only the first two show that they are padded. */
function mergePadded(groups: Map<string, Numbered[]>): void {
  for (const [key, group] of groups) {
    const [first] = group
    if (!first || first.digits.length < 2 || !first.digits.startsWith('0')) continue
    const plainKey = JSON.stringify([first.prefix, first.suffix, ''])
    const plain = groups.get(plainKey) ?? []
    const alike = plain.filter(({ digits }) => digits.length === first.digits.length)
    if (alike.length === 0) continue
    groups.set(key, [...group, ...alike])
    const rest = plain.filter(({ digits }) => digits.length !== first.digits.length)
    if (rest.length > 0) groups.set(plainKey, rest)
    else groups.delete(plainKey)
  }
}

function folded(group: readonly Numbered[]): string {
  const [first] = group
  if (!first) return ''
  if (group.length === 1) return first.name
  const sorted = group.toSorted((a, b) => Number(a.digits) - Number(b.digits))
  const ranges: { from: string; to: string }[] = []
  for (const { digits } of sorted) {
    const last = ranges.at(-1)
    if (last && Number(digits) === Number(last.to) + 1) last.to = digits
    else ranges.push({ from: digits, to: digits })
  }
  const inside = ranges.map(({ from, to }) => (from === to ? from : `${from}-${to}`)).join(',')
  return `${first.prefix}[${inside}]${first.suffix}`
}
