import type { Mount } from '../forms/mounts.ts'
import type { file } from '../keys/file-keys.ts'
import type { service } from '../keys/service-keys.ts'
import type { Reader } from '../read/reader.ts'
import type { At, Named, Shape } from '../read/shape.ts'

type Read<S> = S extends Shape<infer T> ? T : never

export type FileValues = Read<typeof file>
export type ServiceValues = Read<typeof service>

/** A service as it is written, before it is checked against the others. */
export interface Draft {
  name: string
  place: Named<ServiceValues>['place']
  values: ServiceValues
  reader: Reader
}

export const toDrafts = (values: FileValues, reader: Reader): Draft[] =>
  (values.services ?? []).map(({ name, place, value }) => ({
    name,
    place,
    values: value,
    reader: reader.at('services').at(name),
  }))

/** Returns how many instances are wanted; null for one on every host. */
export function toReplicas({ values: { deploy, scale } }: Draft): number | null {
  return deploy?.mode === 'global' ? null : (deploy?.replicas ?? scale ?? 1)
}

/** Tells whether a service is a group of its own: one with other than one instance, or a playbook. */
export const isAlone = (draft: Draft): boolean => {
  const replicas = toReplicas(draft)
  return replicas !== 1 || draft.values['x-rollcall']?.playbook !== undefined
}

export const toMounts = ({ values }: Pick<Draft, 'values'>): At<Mount>[] => [
  ...(values.volumes ?? []),
  ...(values.tmpfs ?? []),
]

/** Returns the mounts of files beside the Compose file. */
export const toFileMounts = (draft: Pick<Draft, 'values'>): (Mount & { type: 'file' })[] =>
  toMounts(draft).flatMap(({ value }) => (value.type === 'file' ? [value] : []))
