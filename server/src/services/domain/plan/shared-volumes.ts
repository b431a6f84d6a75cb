import type { FindKey } from '@rollcall/compose'
import type { PlanFault } from '@rollcall/contracts/admin'
import { type ServiceDefinition, toServiceName } from '../service.ts'
import { findPlace } from './plan-faults.ts'

/** Data of a volume on a host, and the service that it is of. */
export interface VolumeData {
  project: string
  service: string
  /** On the host. */
  name: string
  host: string
}

const MAX_NAMED = 3

/** Lists the volumes of services that are not said to be of somebody else, by their names on hosts. */
const ownVolumes = (definitions: readonly ServiceDefinition[]) =>
  definitions.flatMap(({ project, group, volumes }) =>
    volumes
      .filter(({ isExternal }) => !isExternal)
      .map(({ name, nameOnHost }) => ({ project, service: group.name, name, nameOnHost })),
  )

/** Returns the names that the volumes of services have on hosts. */
export const volumeNamesOf = (definitions: readonly ServiceDefinition[]): string[] => [
  ...new Set(ownVolumes(definitions).map(({ nameOnHost }) => nameOnHost)),
]

/**
 * Lists volumes that are another project's, whose data would be mixed with that of this one. Where this project has data in such a volume
 * already, it is so by now, and is no fault of the plan. With `isScoped` the other project is not named.
 */
export function foreignVolumeFaults(
  definitions: readonly ServiceDefinition[],
  data: readonly VolumeData[],
  isScoped: boolean,
  findKey: FindKey,
): PlanFault[] {
  const faults = ownVolumes(definitions).flatMap(({ project, name, nameOnHost }): PlanFault[] => {
    const known = data.filter((one) => one.name === nameOnHost)
    const [foreign] = known.filter((one) => one.project !== project)
    if (!foreign || known.some((one) => one.project === project)) return []
    const owner = isScoped ? 'another project' : toServiceName(foreign.project, foreign.service)
    return [
      {
        ...findPlace(findKey, `volumes.${name}.name`, `volumes.${name}`),
        code: 'service.invalid',
        reason: `is ${nameOnHost} on hosts, which is a volume of ${owner}: their data would be mixed`,
        instead: 'give it another "name", or say "external: true" to use the same data on purpose',
      },
    ]
  })
  return [...new Map(faults.map((fault) => [fault.key, fault])).values()]
}

/** Notes which volumes have data of another service of the project, and on which hosts. */
export const sharedVolumeNotes = (
  definitions: readonly ServiceDefinition[],
  data: readonly VolumeData[],
): string[] =>
  ownVolumes(definitions).flatMap(({ project, service, nameOnHost }) => {
    const others = data.filter(
      (one) => one.project === project && one.service !== service && one.name === nameOnHost,
    )
    const hosts = [...new Set(others.map(({ host }) => host))].sort()
    if (hosts.length === 0) return []
    const owners = [...new Set(others.map((one) => toServiceName(project, one.service)))].sort().join(', ')
    const named = hosts.slice(0, MAX_NAMED).join(', ') + (hosts.length > MAX_NAMED ? ', …' : '')
    return [
      `${service}: the volume ${nameOnHost} has data of ${owners} on ${named}: an instance there uses it, and one elsewhere begins empty`,
    ]
  })
