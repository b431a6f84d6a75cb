/** The claims of a provider about a user. */
export type Claims = Readonly<Record<string, unknown>>

const MAX_DEPTH = 8
const MAX_VALUES = 2000
/** Fields in which providers name a role or group given as an object. */
const NAME_FIELDS = ['value', 'name', 'id', 'displayName', 'display'] as const
/** Claims whose values are separated by spaces, like OAuth scopes; group names may contain spaces. */
const SPACE_SEPARATED = new Set(['scope', 'scp'])

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Tells whether a claim is true in any spelling that providers use. Pure. */
export const isTrue = (value: unknown): boolean =>
  value === true || (typeof value === 'string' && value.toLowerCase() === 'true')

/**
 * Merges userinfo into the claims of the ID token, which has precedence. Takes `email_verified` only together with the
 * address it belongs to. Pure.
 */
export function mergeClaims<T extends Claims>(idToken: T, userinfo: Claims): T & Claims {
  const { email_verified: isVerified, ...rest } = userinfo
  const isSame =
    idToken.email === undefined || String(idToken.email).toLowerCase() === String(rest.email).toLowerCase()
  const besides = isSame && isVerified !== undefined ? { ...rest, email_verified: isVerified } : rest
  return mergeDeep(idToken, besides, 0) as T & Claims
}

function mergeDeep(first: Claims, second: Claims, depth: number): Claims {
  const both = { ...second, ...first }
  if (depth >= MAX_DEPTH) return both
  return Object.fromEntries(
    Object.entries(both).map(([key, value]) => {
      const other = Object.hasOwn(second, key) ? second[key] : undefined
      return [key, isRecord(value) && isRecord(other) ? mergeDeep(value, other, depth + 1) : value]
    }),
  )
}

/**
 * Finds a claim by name or by a path such as `realm_access.roles`; names may contain dots. Returns undefined if there
 * is none. Pure.
 */
export function findClaim(claims: unknown, path: string, depth = 0): unknown {
  if (!isRecord(claims) || depth > MAX_DEPTH) return undefined
  if (Object.hasOwn(claims, path)) return claims[path]
  for (let at = path.indexOf('.'); at > 0; at = path.indexOf('.', at + 1)) {
    const head = path.slice(0, at)
    if (!Object.hasOwn(claims, head)) continue
    const found = findClaim(claims[head], path.slice(at + 1), depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * Reads the roles or groups of a claim: strings, named objects, an object with a key for each, or a delimited string.
 * Pure.
 */
export function readRoles(claims: Claims, path: string): string[] {
  return toNames(findClaim(claims, path), SPACE_SEPARATED.has(path.split('.').at(-1) ?? '')).slice(
    0,
    MAX_VALUES,
  )
}

function toNames(claim: unknown, isSpaced: boolean): string[] {
  if (typeof claim === 'string') return [claim, ...split(claim, isSpaced)]
  if (typeof claim === 'number') return [String(claim)]
  if (Array.isArray(claim)) return claim.slice(0, MAX_VALUES).flatMap(toItemNames)
  if (!isRecord(claim)) return []
  // An object with a key per role, such as Zitadel's, or a flag per role.
  return Object.entries(claim).flatMap(([key, value]) => (value === false || value === null ? [] : [key]))
}

function toItemNames(item: unknown): string[] {
  if (typeof item === 'string') return [item]
  if (typeof item === 'number') return [String(item)]
  if (!isRecord(item)) return []
  return NAME_FIELDS.flatMap((name) => (typeof item[name] === 'string' ? [item[name]] : []))
}

/** Splits `a,b`, `["a","b"]` and `[a, b]`, which Cognito makes of a list. */
function split(text: string, isSpaced: boolean): string[] {
  const bare = text.trim().replace(/^\[(.*)\]$/s, '$1')
  return bare
    .split(isSpaced ? /[\s,;]+/ : /[,;]/)
    .map((part) => part.trim().replace(/^"(.*)"$/, '$1'))
    .filter(Boolean)
}

/** Tells whether the provider omitted the groups, as Entra does beyond two hundred. Pure. */
export function areGroupsOmitted(claims: Claims, path: string): boolean {
  const names = claims._claim_names
  return claims.hasgroups === true || (isRecord(names) && Object.hasOwn(names, path.split('.')[0] ?? ''))
}
