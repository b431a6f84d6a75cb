/** The claims of a provider about a user. */
export type Claims = Readonly<Record<string, unknown>>

const DEEPEST = 8
const MAX_VALUES = 2000
/** Fields by which providers name a role or group that is an object. */
const NAMES = ['value', 'name', 'id', 'displayName', 'display'] as const
/** Claims whose words stand apart by spaces, as OAuth writes scopes; a group's name may hold some. */
const SPACED = new Set(['scope', 'scp'])

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Says whether a claim is true, as providers write it. Pure. */
export const isTrue = (value: unknown): boolean =>
  value === true || (typeof value === 'string' && value.toLowerCase() === 'true')

/**
 * Joins the ID token, which goes first, with what the provider's userinfo says besides. Whether an address is verified is only taken
 * from where that address is. Pure.
 */
export function mergeClaims<T extends Claims>(idToken: T, userinfo: Claims): T & Claims {
  const { email_verified: isVerified, ...rest } = userinfo
  const isSame =
    idToken.email === undefined || String(idToken.email).toLowerCase() === String(rest.email).toLowerCase()
  const besides = isSame && isVerified !== undefined ? { ...rest, email_verified: isVerified } : rest
  return merged(idToken, besides, 0) as T & Claims
}

function merged(first: Claims, second: Claims, depth: number): Claims {
  const both = { ...second, ...first }
  if (depth >= DEEPEST) return both
  return Object.fromEntries(
    Object.entries(both).map(([key, value]) => {
      const other = Object.hasOwn(second, key) ? second[key] : undefined
      return [key, isRecord(value) && isRecord(other) ? merged(value, other, depth + 1) : value]
    }),
  )
}

/**
 * Finds a claim by its name, or by a path of names between dots such as `realm_access.roles`; a name may hold dots itself. Returns
 * undefined where there is none. Pure.
 */
export function claimAt(claims: unknown, path: string, depth = 0): unknown {
  if (!isRecord(claims) || depth > DEEPEST) return undefined
  if (Object.hasOwn(claims, path)) return claims[path]
  for (let at = path.indexOf('.'); at > 0; at = path.indexOf('.', at + 1)) {
    const head = path.slice(0, at)
    if (!Object.hasOwn(claims, head)) continue
    const found = claimAt(claims[head], path.slice(at + 1), depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * Lists the roles or groups in a claim as a provider gives them: strings, objects with a name, an object with a key for each, or one
 * string with several between commas. Pure.
 */
export function rolesIn(claims: Claims, path: string): string[] {
  return namesIn(claimAt(claims, path), SPACED.has(path.split('.').at(-1) ?? '')).slice(0, MAX_VALUES)
}

function namesIn(claim: unknown, isSpaced: boolean): string[] {
  if (typeof claim === 'string') return [claim, ...split(claim, isSpaced)]
  if (typeof claim === 'number') return [String(claim)]
  if (Array.isArray(claim)) return claim.slice(0, MAX_VALUES).flatMap(nameOf)
  if (!isRecord(claim)) return []
  // An object for each role, such as Zitadel's, or whether somebody has it.
  return Object.entries(claim).flatMap(([key, value]) => (value === false || value === null ? [] : [key]))
}

function nameOf(item: unknown): string[] {
  if (typeof item === 'string') return [item]
  if (typeof item === 'number') return [String(item)]
  if (!isRecord(item)) return []
  return NAMES.flatMap((name) => (typeof item[name] === 'string' ? [item[name]] : []))
}

/** `a,b`, `["a","b"]`, and `[a, b]`, which Cognito makes of a list. */
function split(text: string, isSpaced: boolean): string[] {
  const bare = text.trim().replace(/^\[(.*)\]$/s, '$1')
  return bare
    .split(isSpaced ? /[\s,;]+/ : /[,;]/)
    .map((part) => part.trim().replace(/^"(.*)"$/, '$1'))
    .filter(Boolean)
}

/** Entra lists no more than two hundred groups, and says elsewhere that there are more. Pure. */
export function isLeftOut(claims: Claims, path: string): boolean {
  const names = claims._claim_names
  return claims.hasgroups === true || (isRecord(names) && Object.hasOwn(names, path.split('.')[0] ?? ''))
}
