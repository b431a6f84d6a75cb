import { toDigest, toRevisionDigest } from './digest.ts'
import type { ServicesPlan } from './planned.ts'

/** Computes the digest of what a plan would do. Scores are not in it: they change with every report of a host. */
export const toPlanDigest = ({ project, services }: ServicesPlan): string =>
  toDigest({
    project,
    services: services.map(({ name, action, wanted, slots, leaving, removedVolumes }) => ({
      name,
      action,
      revision: wanted && toRevisionDigest(wanted),
      slots: slots.map(({ slot, move, host, ports }) => ({ slot, move, host: host?.id ?? null, ports })),
      leaving: leaving.map(({ id }) => id),
      removedVolumes,
    })),
  })
