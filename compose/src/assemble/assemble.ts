import type { Reader } from '../read/reader.ts'
import type { ServiceFile, ServiceGroup } from '../spec.ts'
import { checkReferences } from './check-references.ts'
import { type Draft, type FileValues, isAlone, toDrafts } from './drafts.ts'
import { orderByDependencies } from './order.ts'
import { toConfigs } from './to-configs.ts'
import { toGroup } from './to-group.ts'
import { toService } from './to-service.ts'

/** Puts a file together from what was read: references checked, services ordered and grouped. Faults are reported to the reader. */
export function assemble(file: FileValues, reader: Reader): ServiceFile {
  const drafts = toDrafts(file, reader)
  const ordered = orderByDependencies(drafts)
  checkReferences(drafts, file, reader)
  return {
    project: file.name ?? null,
    groups: toGroups(file.name, ordered, reader),
    volumes: (file.volumes ?? []).map(({ name, value }) => ({
      name,
      nameOnHost: value.name,
      isExternal: value.isExternal,
    })),
    secrets: toSecrets(file, drafts),
    configs: toConfigs(file, drafts, reader),
  }
}

/** Returns the names of secrets that are defined or used, each once. */
function toSecrets(file: FileValues, drafts: readonly Draft[]): string[] {
  const defined = (file.secrets ?? []).map(({ name }) => name)
  const used = drafts.flatMap(({ values }) => [
    ...(values.secrets ?? []).map(({ value }) => value.source),
    ...(values['x-rollcall']?.secret_environment ?? []).map(({ value }) => value),
  ])
  return [...new Set([...defined, ...used])]
}

/** Returns the service that stands first in the file, and gives its name to a group without a project. */
const toFirst = (drafts: readonly Draft[]): Draft =>
  drafts.reduce((one, other) => (other.place.line < one.place.line ? other : one))

/** The services without replicas are one group, at the place of its first; each other one is a group of its own. */
function toGroups(project: string | undefined, ordered: readonly Draft[], reader: Reader): ServiceGroup[] {
  const jobs = new Set(
    ordered.flatMap(({ values }) =>
      (values.depends_on ?? [])
        .filter(({ value }) => value.condition === 'completed')
        .map(({ name }) => name),
    ),
  )
  const names = new Set(ordered.map(({ name }) => name))
  const together = ordered.filter((draft) => !isAlone(draft))
  const sets = ordered.flatMap((draft) => {
    if (isAlone(draft)) return [[draft]]
    return draft === together[0] ? [together] : []
  })
  return sets.flatMap((drafts) => {
    const services = drafts.flatMap((draft) => toService(draft, { jobs, names }) ?? [])
    const [first] = drafts
    if (services.length === 0 || !first) return []
    const name = drafts.length === 1 ? first.name : (project ?? toFirst(drafts).name)
    if (drafts.length > 1 && names.has(name) && !drafts.some((draft) => draft.name === name))
      reader
        .at('name')
        .fault(
          first.place,
          `is also the name of the service ${name}, which is not in the group`,
          'choose another name for the project',
        )
    return [toGroup(name, drafts, services)]
  })
}
