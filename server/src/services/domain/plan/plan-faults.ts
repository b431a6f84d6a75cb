import type { FindKey } from '@rollcall/compose'
import type { FieldError } from '@rollcall/contracts'
import type { PlanFault } from '@rollcall/contracts/admin'
import type { PlacementHost } from '../placement/view.ts'
import { type ResolvedService, type ServiceDefinition, toContainers, toImageRef } from '../service.ts'
import { architecturesOf } from './request.ts'
import { secretNamesOf } from './wanted-services.ts'

/** Returns the place of the first of these keys that is in the file; the nearest key around the first one otherwise. */
export function findPlace(
  findKey: FindKey,
  ...keys: string[]
): { line: number; column: number; key: string } {
  for (const key of keys) {
    const exact = findKey(key)
    if (exact) return { line: exact.line, column: exact.column, key }
  }
  for (let key = keys[0] ?? ''; key.includes('.'); ) {
    key = key.slice(0, key.lastIndexOf('.'))
    const around = findKey(key)
    if (around) return { line: around.line, column: around.column, key: keys[0] ?? '' }
  }
  return { line: 1, column: 1, key: keys[0] ?? '' }
}

/** Says what is wrong with the playbook of a service: with `playbook` itself, or with `variables.NAME`. */
export const playbookFaults = (
  service: string,
  playbook: string,
  faults: readonly FieldError[],
  findKey: FindKey,
): PlanFault[] =>
  faults.map(({ field, message }) => {
    const at = `services.${service}.x-rollcall`
    return {
      ...findPlace(findKey, `${at}.${field}`),
      code: 'service.invalid' as const,
      reason: message,
      instead:
        field === 'playbook'
          ? 'name one of "rollcall playbook list" that has such a variable'
          : `write what "rollcall playbook show ${playbook}" says`,
    }
  })

/** Says of an image why it cannot be had, and what to do. */
export interface MissingImage {
  /** The service of the file that names it. */
  service: string
  ref: string
  code: PlanFault['code']
  message: string
}

export const imageFaults = (missing: readonly MissingImage[], findKey: FindKey): PlanFault[] =>
  missing.map(({ service, ref, code, message }) => ({
    ...findPlace(findKey, `services.${service}.image`),
    code,
    reason: `names ${ref}, which cannot be had`,
    instead: message,
  }))

/** A file that has no name, and was given none. */
export const projectFaults = (findKey: FindKey): PlanFault[] => [
  {
    ...findPlace(findKey, 'name'),
    code: 'service.invalid',
    reason: 'is missing: names of services and volumes begin with it',
    instead: 'write "name: shop" at the top, or say --project shop',
  },
]

const secretsOf = ({ group }: ServiceDefinition, isEnvironment: boolean) =>
  toContainers(group).flatMap(({ name, container }) =>
    (isEnvironment
      ? container.secretEnvironment.map(({ value }) => value)
      : container.secrets.map(({ source }) => source)
    ).map((secret) => ({ service: name, secret })),
  )

/** Lists secrets with a NUL that are to be variables, which hold none. */
export const unfitSecretFaults = (
  definitions: readonly ServiceDefinition[],
  unfit: ReadonlySet<string>,
  findKey: FindKey,
): PlanFault[] =>
  definitions.flatMap((definition) =>
    secretsOf(definition, true)
      .filter(({ secret }) => unfit.has(secret))
      .map(({ service, secret }) => ({
        ...findPlace(findKey, `services.${service}.x-rollcall.secret_environment`),
        code: 'service.invalid' as const,
        reason: `has the secret ${secret}, whose value has a NUL, which no variable can hold`,
        instead: `give it as a file by "secrets: [${secret}]"`,
      })),
  )

/** Lists secrets that are used and have no value, or in a scope none that may be used there, by name; each once for a service. */
export const secretFaults = (
  definitions: readonly ServiceDefinition[],
  known: ReadonlySet<string>,
  isScoped: boolean,
  findKey: FindKey,
): PlanFault[] =>
  definitions.flatMap((definition) => {
    const uses = [...secretsOf(definition, false), ...secretsOf(definition, true)]
    return secretNamesOf(definition)
      .filter((name) => !known.has(name))
      .map((name) => {
        const service = uses.find(({ secret }) => secret === name)?.service ?? definition.group.name
        const at = `services.${service}`
        return {
          ...findPlace(findKey, `${at}.secrets`, `${at}.x-rollcall.secret_environment`, `secrets.${name}`),
          code: 'secret.not_found' as const,
          reason: `needs the secret ${name}, which has no value${isScoped ? ' that you may use' : ''}`,
          instead: isScoped
            ? 'have somebody who may act on all hosts set it, and apply the service with it'
            : `rollcall secret set ${name}`,
        }
      })
  })

/** Lists images of which no host of the fleet can run any. */
export function architectureFaults(
  wanted: readonly ResolvedService[],
  fleet: readonly Pick<PlacementHost, 'architecture'>[],
  findKey: FindKey,
): PlanFault[] {
  const present = [...new Set(fleet.flatMap(({ architecture }) => architecture ?? []))].sort()
  return wanted.flatMap((service) => {
    const { group } = service.definition
    const possible = architecturesOf(service)
    if (possible.some((one) => present.includes(one)) || (possible.length > 0 && present.length === 0))
      return []
    const [first] = toContainers(group)
    if (!first) return []
    return [
      {
        ...findPlace(findKey, `services.${first.name}.image`),
        code: 'image.architecture' as const,
        reason:
          possible.length === 0
            ? `has no architecture in common with the other images and platforms of ${group.name} (${toImageRef(first.container.image)})`
            : `is for ${possible.join(' and ')}, and the hosts are ${present.join(' and ')}`,
        instead: 'name an image for the architecture of the hosts, or add a host of that of the image',
      },
    ]
  })
}

/** The most instances of one plan, which is held in memory, compared and stored as a whole. */
const MAX_PLANNED_INSTANCES = 20_000

/** Returns the first service of a file with which it has more instances than a plan may hold. */
export function instanceFaults(
  wanted: readonly ResolvedService[],
  hosts: number,
  findKey: FindKey,
): PlanFault[] {
  let planned = 0
  const tooMany = wanted.find(({ definition }) => {
    planned += definition.group.replicas ?? hosts
    return planned > MAX_PLANNED_INSTANCES
  })
  if (!tooMany) return []
  const { group } = tooMany.definition
  return [
    {
      ...findPlace(findKey, `services.${group.services[0]?.name ?? group.name}.deploy.replicas`),
      code: 'service.invalid',
      reason: `makes ${planned} instances with the services before it, and one plan may hold ${MAX_PLANNED_INSTANCES}`,
      instead: 'have fewer replicas, or split the file into several projects',
    },
  ]
}
