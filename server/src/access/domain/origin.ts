export interface OriginPolicy {
  /** As the request names it: of a proxy it may be another than people have asked for. */
  host: string | undefined
  /** People reach this server by HTTPS: then no page without it may act. */
  isSecure: boolean
  /** Origins that the operator has named, the public one included. */
  allowed: readonly string[]
}

/**
 * Says whether what sends a request may act for a browser's user. Programs send no Origin; a browser always does, and only pages
 * of this server, or of origins that the operator has named, may use what the browser's user may. Pure.
 */
export function isAllowedOrigin(
  origin: string | undefined,
  { host, isSecure, allowed }: OriginPolicy,
): boolean {
  if (origin === undefined) return true
  if (!URL.canParse(origin)) return false
  const { protocol, host: from } = new URL(origin)
  if (isSecure ? protocol !== 'https:' : !/^https?:$/.test(protocol)) return false
  return allowed.includes(origin) || isSameHost(from, protocol, host)
}

function isSameHost(from: string, protocol: string, host: string | undefined): boolean {
  const own = `${protocol}//${host}`
  return host !== undefined && /^[^/?#@\\]+$/.test(host) && URL.canParse(own) && new URL(own).host === from
}
