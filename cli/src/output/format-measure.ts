const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Formats a duration in its largest unit, for columns: `12 s`, `3 min`, `2 h`, `5 d`. Negative ones are `0 s`. */
export function formatRoughDuration(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.max(0, Math.floor(ms / SECOND_MS))} s`
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`
  return `${Math.floor(ms / DAY_MS)} d`
}

/** Formats how long ago a moment was in the largest unit; `-` for none. */
export const formatRoughAge = (moment: string | null, now = Date.now()) =>
  moment === null ? '-' : formatRoughDuration(now - Date.parse(moment))

/** Formats a moment without milliseconds: `2026-03-01T10:00:00Z`. */
export const formatMoment = (iso: string) => iso.replace(/\.\d+(?=Z$)/, '')

/** Puts a stale value in parentheses. */
export const markStale = (isStale: boolean, text: string) => (isStale && text !== '-' ? `(${text})` : text)

export const formatPercent = (value: number | null) => (value === null ? '-' : `${Math.round(value)} %`)

const SIZE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB']

/** Formats bytes: `512 B`, `1.8 GiB`, `120 GiB`. */
export function formatSize(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1023.5 && unit < SIZE_UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${SIZE_UNITS[unit]}`
}

/** Draws a bar of `parts` pieces, of which `percent` are filled. */
export function formatBar(percent: number, parts = 20): string {
  const filled = Math.min(parts, Math.max(0, Math.round((percent / 100) * parts)))
  return '█'.repeat(filled) + '░'.repeat(parts - filled)
}
