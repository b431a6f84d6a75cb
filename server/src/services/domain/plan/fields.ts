import type { ServiceGroup, ServiceSpec } from '@rollcall/compose'
import type { ManagedPlaybook } from '../../../playbooks/index.ts'
import { type ResolvedService, toPlaybookText } from '../service.ts'
import { containerFields } from './container-fields.ts'
import type { Field } from './field.ts'
import { toContentMark } from './wanted-services.ts'

type PlaybookSpec = Extract<ServiceSpec['runs'], { kind: 'playbook' }>['playbook']

/** Lists what a service is, field by field, with paths as in the file. Of secrets and configs there are versions and hashes alone. */
export function toFields({ definition, images, secrets }: ResolvedService): Field[] {
  const { group, volumes, configs } = definition
  const imageOf = (name: string) => images.find(({ container }) => container === name)
  return [
    ...groupFields(group),
    ...group.services.flatMap((service) => [
      ...serviceFields(service),
      ...(service.runs.kind === 'container'
        ? containerFields(`services.${service.name}`, service.runs.container, imageOf(service.name)?.digest)
        : playbookFields(`services.${service.name}`, service.runs.playbook, definition.playbook)),
    ]),
    ...volumes.map(({ name, nameOnHost, isExternal }) => ({
      path: `volumes.${name}`,
      text: isExternal ? `${nameOnHost} (external)` : nameOnHost,
    })),
    ...configs.map(({ name, content }) => ({ path: `configs.${name}`, text: toContentMark(content) })),
    ...Object.entries(secrets).map(([name, { version }]) => ({
      path: `secrets.${name}`,
      text: `version ${version}`,
    })),
  ]
}

/** Lists the fields of a group, which stand at its first service. */
function groupFields(group: ServiceGroup): Field[] {
  const { place, rollout, heal } = group
  const at = `services.${group.services[0]?.name ?? group.name}`
  const { update, rollback, ...plan } = rollout
  return [
    field(`${at}.deploy.replicas`, group.replicas ?? 'one on every host'),
    ...flatten(`${at}.x-rollcall.place`, { ...place, prefer: place.prefer.map(toPreference) }),
    ...flatten(`${at}.deploy.update_config`, update),
    ...flatten(`${at}.deploy.rollback_config`, rollback),
    ...flatten(`${at}.x-rollcall.rollout`, plan),
    ...flatten(`${at}.x-rollcall.heal`, heal),
    field(`${at}.x-rollcall.fence`, group.fence),
    ...(group.leaseMs === null ? [] : [field(`${at}.x-rollcall.lease`, `${group.leaseMs} ms`)]),
    ...(group.hasLastResort ? [field(`${at}.x-rollcall.last_resort`, 'reboot')] : []),
    field(`${at}.x-rollcall.spares`, group.spares),
    field(`${at}.x-rollcall.pull`, group.pull),
    ...group.volumes.map(({ volume, move }) => field(`${at}.x-rollcall.volumes.${volume}.move`, move)),
  ]
}

const toPreference = ({ label, points }: { label: string; points: number }) => `${label}: ${points}`

function serviceFields({ name, ports, dependsOn, checks, gateway, reach }: ServiceSpec): Field[] {
  const at = `services.${name}`
  return [
    ...ports.map(({ target, published, protocol, hostIp }) =>
      field(
        `${at}.ports.${target}/${protocol}`,
        `${hostIp === null ? '' : `${hostIp}:`}${published ?? 'chosen'}`,
      ),
    ),
    ...dependsOn.map(({ service, condition }) => field(`${at}.depends_on.${service}`, condition)),
    ...checks.map((check, index) => field(`${at}.x-rollcall.checks.${index}`, JSON.stringify(check))),
    ...(gateway === null ? [] : flatten(`${at}.x-rollcall.gateway`, gateway)),
    ...list(`${at}.x-rollcall.reach`, reach),
  ]
}

/** Lists what a playbook is given. Its version is told with its name, so that other files of the same name are a change. */
function playbookFields(
  at: string,
  { name, variables, unit, reservedCpus, reservedMemoryBytes }: PlaybookSpec,
  managed: ManagedPlaybook | undefined,
): Field[] {
  const own = `${at}.x-rollcall`
  const reserved = `${at}.deploy.resources.reservations`
  return [
    field(`${own}.playbook`, toPlaybookText(managed?.name ?? name, managed?.collection?.version)),
    ...(unit === null ? [] : [field(`${own}.unit`, unit)]),
    ...Object.entries(variables).map(
      ([variable, value]): Field => ({
        path: `${own}.variables.${variable}`,
        text: typeof value === 'string' ? value : JSON.stringify(value),
        isPrivate: true,
        ...(managed?.secretVariables.includes(variable) && { isSecret: true }),
      }),
    ),
    ...(reservedCpus === null ? [] : [field(`${reserved}.cpus`, reservedCpus)]),
    ...(reservedMemoryBytes === null ? [] : [field(`${reserved}.memory`, reservedMemoryBytes)]),
  ]
}

/** Writes a value as people read it. */
export const field = (path: string, value: string | number | boolean): Field => ({
  path,
  text: String(value),
})

/** Makes one field of a list; none of an empty one. */
export const list = (path: string, values: readonly string[]): Field[] =>
  values.length === 0 ? [] : [field(path, values.join(', '))]

/** Writes `maxPerHost` as `max_per_host`, `delayMs` as `delay`. */
const toKey = (name: string) =>
  name.replace(/Ms$/, '').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Makes a field of each value of an object that is set. */
function flatten(path: string, values: Readonly<Record<string, unknown>>): Field[] {
  return Object.entries(values).flatMap(([name, value]): Field[] => {
    const key = `${path}.${toKey(name)}`
    if (value === null || value === undefined) return []
    if (Array.isArray(value)) return list(key, value.map(String))
    if (typeof value === 'object') return flatten(key, value as Record<string, unknown>)
    return [field(key, name.endsWith('Ms') ? `${value} ms` : String(value))]
  })
}
