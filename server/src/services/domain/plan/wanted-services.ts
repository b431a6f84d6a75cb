import { createHash } from 'node:crypto'
import type { ServiceFile, ServiceGroup } from '@rollcall/compose'
import { type ServiceDefinition, toContainers } from '../service.ts'

/** Splits a file into the definitions of its services, in the order in which they start. */
export const toDefinitions = (file: ServiceFile, project: string): ServiceDefinition[] =>
  file.groups.map((group) => ({
    project,
    group,
    volumes: volumesOf(group, file, project),
    configs: file.configs.filter(({ name }) =>
      toContainers(group).some(({ container }) => container.configs.some(({ source }) => source === name)),
    ),
  }))

function volumesOf(
  group: ServiceGroup,
  { volumes }: ServiceFile,
  project: string,
): ServiceDefinition['volumes'] {
  const used = new Set(
    toContainers(group).flatMap(({ container }) =>
      container.mounts.flatMap((mount) => (mount.type === 'volume' && mount.source ? [mount.source] : [])),
    ),
  )
  return volumes
    .filter(({ name }) => used.has(name))
    .map(({ name, nameOnHost, isExternal }) => ({
      name,
      nameOnHost: nameOnHost ?? (isExternal ? name : `${project}_${name}`),
      isExternal,
    }))
}

/** Returns the names of the secrets that a service needs, sorted. */
export function secretNamesOf({ group }: ServiceDefinition): string[] {
  const names = toContainers(group).flatMap(({ container }) => [
    ...container.secrets.map(({ source }) => source),
    ...container.secretEnvironment.map(({ value }) => value),
  ])
  return [...new Set(names)].sort()
}

/** Returns the volumes of a service that move by a rule of their own, or stay. */
export const movesOf = ({ group, volumes }: ServiceDefinition) =>
  volumes
    .filter(({ isExternal }) => !isExternal)
    .map(({ name, nameOnHost }) => ({
      name: nameOnHost,
      move: group.volumes.find(({ volume }) => volume === name)?.move ?? ('stay' as const),
    }))

/** Names a text by its content, so that it can be compared without being shown. */
export const toContentMark = (text: string): string =>
  `${Buffer.byteLength(text)} bytes, sha256:${createHash('sha256').update(text).digest('hex').slice(0, 12)}`
