import { createHash } from 'node:crypto'
import type { ResolvedService } from '../service.ts'

/** Writes a value as JSON whose keys are sorted, so that the same value has the same text. */
export function toCanonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toCanonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  const sorted = entries.sort(([one], [other]) => (one < other ? -1 : 1))
  return `{${sorted.map(([key, one]) => `${JSON.stringify(key)}:${toCanonicalJson(one)}`).join(',')}}`
}

export const toDigest = (value: unknown): string =>
  createHash('sha256').update(toCanonicalJson(value)).digest('hex')

/** Computes the digest of a revision: of all that the file says, and of the content of what it names. */
export const toRevisionDigest = ({ definition, images, secrets }: ResolvedService): string =>
  toDigest({ definition, images, secrets })

/** Computes the digest of what an instance runs. Instances whose digest stays the same need no new order. */
export function toOrderDigest({ definition, images, secrets }: ResolvedService): string {
  const { project, group, volumes, configs, playbook } = definition
  const { name, fence, leaseMs, services } = group
  const run = services.map(({ gateway: _, reach: __, ...service }) => service)
  return toDigest({ project, name, fence, leaseMs, run, volumes, configs, images, secrets, playbook })
}
