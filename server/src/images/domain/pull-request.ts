import { parseJson, RollcallError, sanitizeText } from '@rollcall/contracts'
import { z } from 'zod'
import type { RegistryPlace } from './registry.ts'

/** An image that a host is to pull itself. */
export interface PulledImage {
  ref: string
  digest: string
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

const MAX_MESSAGE = 2000
const failure = z.object({ error: z.object({ code: z.string().max(100), message: z.string().max(4000) }) })
const missing = z.object({ missing: z.array(z.string().max(100)).max(100) })
const pulled = z.object({ pulled: z.boolean(), from: z.string().max(300).nullable() })

/** Parses which images a host says that it lacks. Throws `instance.step_failed` and what the host says. */
export const parseMissing = (stdout: string): ReadonlySet<string> =>
  new Set(parseAnswer(missing, stdout).missing)

/** Parses from which registry a host has pulled an image; null where it had it. Throws like `parseMissing`. */
export const parsePulled = (stdout: string): string | null => parseAnswer(pulled, stdout).from

/** Parses an answer of a host, which is hostile input: bounded, and of few kinds. */
function parseAnswer<T>(schema: z.ZodType<T>, stdout: string): T {
  const line = stdout.trimEnd().split('\n').at(-1) ?? ''
  const answer = parseJson(schema, line)
  if (answer !== undefined) return answer
  const said = parseJson(failure, line)?.error
  const code = said?.code === 'host.container_storage_broken' ? said.code : 'instance.image_missing'
  throw new RollcallError(
    code,
    said
      ? sanitizeText(said.message, MAX_MESSAGE)
      : 'The host program says nothing that is known of its images.',
  )
}
