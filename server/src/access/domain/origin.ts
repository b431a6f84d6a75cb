/**
 * Whether a WebSocket may be opened. Programs send no Origin; a browser always does, and only pages of this server, or
 * of origins that the operator has named, may use what the browser's user may.
 */
export function isAllowedOrigin(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
): boolean {
  if (origin === undefined) return true
  if (allowed.includes(origin)) return true
  return URL.canParse(origin) && host !== undefined && new URL(origin).host === host
}
