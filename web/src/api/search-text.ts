/** Returns a parameter of a page's address as text. The router reads `?slot=2` as a number; text it is all the same. Returns undefined for none. */
export function toSearchText(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}
