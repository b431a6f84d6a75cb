import type { ContainerSpec } from '@rollcall/compose'
import { toImageRef } from '../service.ts'
import type { Field } from './field.ts'

type Mount = ContainerSpec['mounts'][number]

const one = (path: string, value: string | number | boolean | null): Field[] =>
  value === null || value === false ? [] : [{ path, text: String(value) }]
const many = (path: string, values: readonly string[] | null): Field[] =>
  values === null ? [] : [{ path, text: JSON.stringify(values) }]
const each = (path: string, values: readonly string[]): Field[] =>
  values.length === 0 ? [] : [{ path, text: values.join(', ') }]

/** Lists what a container is, with the keys of Compose. Its image is told with its digest, so that a tag that has moved is a change. */
export function containerFields(at: string, container: ContainerSpec, digest?: string | null): Field[] {
  return [
    ...imageFields(at, container, digest),
    ...programFields(at, container),
    ...variableFields(at, container),
    ...storageFields(at, container),
    ...networkFields(at, container),
    ...rightsFields(at, container),
    ...limitFields(at, container),
  ]
}

function imageFields(at: string, { image, architecture }: ContainerSpec, digest?: string | null): Field[] {
  const ref = toImageRef(image)
  const isHeld = digest === null || digest === undefined || ref.endsWith(digest)
  return [
    { path: `${at}.image`, text: isHeld ? ref : `${ref}@${digest}` },
    ...one(`${at}.platform`, architecture),
  ]
}

const programFields = (at: string, container: ContainerSpec): Field[] => [
  ...many(`${at}.command`, container.command),
  ...many(`${at}.entrypoint`, container.entrypoint),
  ...one(`${at}.working_dir`, container.workingDir),
  ...one(`${at}.user`, container.user),
  ...each(`${at}.group_add`, container.groups),
  ...one(`${at}.hostname`, container.hostname),
  ...one(`${at}.container_name`, container.containerName),
  ...one(`${at}.init`, container.hasInit),
  ...one(`${at}.stop_signal`, container.stopSignal),
  ...one(`${at}.stop_grace_period`, `${container.stopGraceMs} ms`),
  ...(container.healthcheck === null
    ? []
    : [{ path: `${at}.healthcheck`, text: JSON.stringify(container.healthcheck) }]),
  ...(container.hasOutput ? [] : [{ path: `${at}.logging.driver`, text: 'none' }]),
]

const variableFields = (at: string, container: ContainerSpec): Field[] => [
  ...container.environment.map(
    ({ name, value }): Field => ({
      path: `${at}.environment.${name}`,
      text: value,
      isPrivate: true,
    }),
  ),
  ...container.secretEnvironment.map(({ name, value }) => ({
    path: `${at}.x-rollcall.secret_environment.${name}`,
    text: value,
  })),
  ...container.labels.map(({ name, value }) => ({ path: `${at}.labels.${name}`, text: value })),
]

const storageFields = (at: string, container: ContainerSpec): Field[] => [
  ...container.mounts.map((mount) => ({ path: `${at}.volumes.${mount.target}`, text: toMountText(mount) })),
  ...container.secrets.map((grant) => ({ path: `${at}.secrets.${grant.source}`, text: toGrantText(grant) })),
  ...container.configs.map((grant) => ({ path: `${at}.configs.${grant.source}`, text: toGrantText(grant) })),
  ...one(`${at}.read_only`, container.isReadOnly),
  ...one(`${at}.shm_size`, container.shmBytes),
]

function toMountText(mount: Mount): string {
  const access = mount.isReadOnly ? ', read-only' : ''
  if (mount.type === 'tmpfs')
    return `tmpfs${mount.sizeBytes === null ? '' : ` of ${mount.sizeBytes} bytes`}${access}`
  if (mount.type === 'volume') return `volume ${mount.source ?? 'of the instance'}${access}`
  const options = [mount.propagation, mount.selinux, mount.isCreated ? 'created' : null]
  return [`${mount.source}${access}`, ...options.filter((option) => option !== null)].join(', ')
}

const toGrantText = ({ target, uid, gid, mode }: ContainerSpec['secrets'][number]): string =>
  [target, uid && `uid ${uid}`, gid && `gid ${gid}`, mode !== null && `mode ${mode.toString(8)}`]
    .filter((part) => typeof part === 'string')
    .join(', ')

const networkFields = (at: string, container: ContainerSpec): Field[] => [
  ...(container.networkMode === 'group' ? [] : one(`${at}.network_mode`, container.networkMode)),
  ...each(`${at}.networks.default.aliases`, container.aliases),
  ...container.extraHosts.map(({ name, address }) => ({ path: `${at}.extra_hosts.${name}`, text: address })),
  ...each(`${at}.dns`, container.dns),
  ...each(`${at}.dns_search`, container.dnsSearch),
  ...each(`${at}.dns_opt`, container.dnsOptions),
]

const rightsFields = (at: string, container: ContainerSpec): Field[] => [
  ...each(`${at}.cap_add`, container.addedCapabilities),
  ...each(`${at}.cap_drop`, container.droppedCapabilities),
  ...one(`${at}.privileged`, container.isPrivileged),
  ...(container.hasHostPids ? [{ path: `${at}.pid`, text: 'host' }] : []),
  ...one(`${at}.ipc`, container.ipc),
  ...each(`${at}.security_opt`, container.securityOptions),
  ...container.devices.map(({ source, target, permissions }) => ({
    path: `${at}.devices.${target}`,
    text: `${source}, ${permissions}`,
  })),
]

function limitFields(at: string, container: ContainerSpec): Field[] {
  const { maxCpus, maxMemoryBytes, maxPids, reservedCpus, reservedMemoryBytes } = container.resources
  return [
    ...one(`${at}.deploy.resources.limits.cpus`, maxCpus),
    ...one(`${at}.deploy.resources.limits.memory`, maxMemoryBytes),
    ...one(`${at}.deploy.resources.limits.pids`, maxPids),
    ...one(`${at}.deploy.resources.reservations.cpus`, reservedCpus),
    ...one(`${at}.deploy.resources.reservations.memory`, reservedMemoryBytes),
    ...container.ulimits.map(({ name, soft, hard }) => ({
      path: `${at}.ulimits.${name}`,
      text: `${soft}:${hard}`,
    })),
    ...container.sysctls.map(({ name, value }) => ({ path: `${at}.sysctls.${name}`, text: value })),
    ...one(`${at}.oom_score_adj`, container.oomScoreAdj),
  ]
}
