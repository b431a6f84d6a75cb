import { createHash } from 'node:crypto'
import { toCanonicalJson, toRevisionDigest } from './digest.ts'
import type { ServicesPlan } from './planned.ts'

const SLOTS_PER_STEP = 200

/**
 * Computes the digest of what a plan would do. Scores are not in it: they change with every report of a host. Yields between short steps,
 * since a plan may have ten thousand slots.
 */
export function* toPlanDigest({ project, services }: ServicesPlan): Generator<void, string> {
  const hash = createHash('sha256').update(toCanonicalJson(project))
  for (const { name, action, wanted, slots, leaving, removedVolumes } of services) {
    yield
    const revision = wanted && toRevisionDigest(wanted)
    hash.update(
      toCanonicalJson({ name, action, revision, leaving: leaving.map(({ id }) => id), removedVolumes }),
    )
    for (let at = 0; at < slots.length; at += SLOTS_PER_STEP) {
      yield
      const some = slots.slice(at, at + SLOTS_PER_STEP)
      hash.update(
        toCanonicalJson(
          some.map(({ slot, move, host, ports }) => ({ slot, move, host: host?.id ?? null, ports })),
        ),
      )
    }
  }
  return hash.digest('hex')
}
