/** How a registry wants to be asked. */
export type Challenge = { scheme: 'basic' } | { scheme: 'bearer'; realm: string; service: string | null }

const MAX_LENGTH = 4096
const PARAMETER = /([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/g

/** Parses a `WWW-Authenticate` header. Returns null for a scheme that is not supported. Pure. */
export function parseChallenge(header: string | undefined): Challenge | null {
  const text = (header ?? '').slice(0, MAX_LENGTH)
  if (/^basic\b/i.test(text)) return { scheme: 'basic' }
  if (!/^bearer\b/i.test(text)) return null
  const parameters = new Map<string, string>()
  for (const [, name = '', quoted, plain] of text.matchAll(PARAMETER))
    parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '')
  const realm = parameters.get('realm')
  if (realm === undefined || !URL.canParse(realm)) return null
  return { scheme: 'bearer', realm, service: parameters.get('service') ?? null }
}

/** Returns where a token to pull an image is asked for. Pure. */
export function toTokenUrl({ realm, service }: Extract<Challenge, { scheme: 'bearer' }>, path: string): URL {
  const url = new URL(realm)
  if (service !== null) url.searchParams.set('service', service)
  url.searchParams.set('scope', `repository:${path}:pull`)
  return url
}
