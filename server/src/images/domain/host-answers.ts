import { parseJson, RollcallError, sanitizeText } from '@rollcall/contracts'
import { z } from 'zod'
import type { RegistryPlace } from './registry.ts'

/** An image that a host is to pull itself. */
export interface PulledImage {
  ref: string
  digest: string
}

/** The images that a host has removed, and those that it keeps. */
export interface RemovedFromHost {
  removed: string[]
  kept: { digest: string; why: string }[]
}

/** Writes what a host needs to know for one pull. It holds passwords. Pure. */
export const toPullRequest = ({ ref, digest }: PulledImage, places: readonly RegistryPlace[]) => ({
  ref,
  digest,
  places: places.map(({ host, path, baseUrl, ca, credentials }) => ({
    registry: host,
    path,
    is_plain_http: baseUrl.startsWith('http:'),
    ca,
    credentials: credentials && { username: credentials.username, password: credentials.password },
  })),
})

/** The most images that a host is told to remove with one step. */
export const MAX_REMOVALS = 100
const MAX_MESSAGE = 2000
const MAX_WHY = 300
/** The codes that a host may say of itself; everything else is a failure of the step. */
const OWN_CODES = ['host.container_storage_broken', 'instance.engine_missing'] as const
const failure = z.object({ error: z.object({ code: z.string().max(100), message: z.string().max(4000) }) })
const missing = z.object({ missing: z.array(z.string().max(100)).max(100) })
const removed = z.object({
  removed: z.array(z.string().max(100)).max(MAX_REMOVALS),
  kept: z.array(z.object({ digest: z.string().max(100), why: z.string().max(4000) })).max(MAX_REMOVALS),
})
const pulled = z.object({ pulled: z.boolean(), from: z.string().max(300).nullable() })

/** Parses which images a host says that it lacks. Throws `instance.image_missing` with what the host says. */
export const parseMissing = (stdout: string): ReadonlySet<string> =>
  new Set(parseAnswer(missing, stdout).missing)

/** Parses from which registry a host has pulled an image; null where it had it. Throws like `parseMissing`. */
export const parsePulled = (stdout: string): string | null => parseAnswer(pulled, stdout).from

/** Parses which of the asked images a host has removed, and why it keeps the others. Throws `instance.step_failed` with what the host says. */
export function parseRemoved(stdout: string, asked: readonly string[]): RemovedFromHost {
  const { removed: gone, kept } = parseAnswer(removed, stdout, 'instance.step_failed')
  return {
    removed: asked.filter((digest) => gone.includes(digest)),
    kept: kept
      .filter(({ digest }) => asked.includes(digest))
      .map(({ digest, why }) => ({ digest, why: sanitizeText(why, MAX_WHY) })),
  }
}

/** Parses an answer of a host, which is hostile input: bounded, and of few kinds. */
function parseAnswer<T>(
  schema: z.ZodType<T>,
  stdout: string,
  failedCode: 'instance.image_missing' | 'instance.step_failed' = 'instance.image_missing',
): T {
  const line = stdout.trimEnd().split('\n').at(-1) ?? ''
  const answer = parseJson(schema, line)
  if (answer !== undefined) return answer
  const said = parseJson(failure, line)?.error
  const code = OWN_CODES.find((own) => own === said?.code) ?? failedCode
  throw new RollcallError(
    code,
    said
      ? sanitizeText(said.message, MAX_MESSAGE)
      : 'The host program says nothing that is known of its images.',
  )
}
