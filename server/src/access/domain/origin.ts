export interface OriginPolicy {
  /** The host in the request, which behind a proxy may differ from the one users asked for. */
  host: string | undefined
  /** True if users reach this server over HTTPS; then pages over HTTP may not act. */
  isSecure: boolean
  /** Origins allowed by the operator, including the public one. */
  allowed: readonly string[]
}

/**
 * Tells whether a request may act for a browser's user. Programs send no Origin; browsers do, and only pages of this
 * server or of allowed origins may act. Pure.
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
