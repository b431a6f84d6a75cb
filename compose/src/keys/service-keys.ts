import { command } from '../forms/command.ts'
import { dependencies } from '../forms/dependencies.ts'
import { envFiles, environment } from '../forms/environment.ts'
import { fileGrants } from '../forms/files.ts'
import { healthcheck } from '../forms/healthcheck.ts'
import { devices, extraHosts, logging, sysctls, ulimits } from '../forms/host-settings.ts'
import { image } from '../forms/image.ts'
import { mounts, tmpfsMounts } from '../forms/mounts.ts'
import { ADDRESS, HOST_NAME, LABEL_NAME, pathFault, USER, VOLUME_NAME } from '../forms/patterns.ts'
import { ports } from '../forms/ports.ts'
import { list, named, oneOrMany, pairs } from '../read/collections.ts'
import { isEmpty, isOff, mapping, otherwise, refused, taken } from '../read/keys.ts'
import { byteSize, choice, duration, flag, text, wholeNumber } from '../read/scalars.ts'
import { byKind, converted, placed, type Shape } from '../read/shape.ts'
import { cpus, deploy, memory, pids, replicas } from './deploy-keys.ts'
import { rollcall } from './rollcall-keys.ts'

const CAPABILITY = /^(CAP_)?[A-Za-z_]{2,40}$/
const capabilities = list(
  converted(text({ form: 'a capability such as NET_ADMIN', pattern: CAPABILITY }), (name) =>
    name.toUpperCase().replace(/^CAP_/, ''),
  ),
)
const absolutePath = converted(text({ form: 'an absolute path' }), (path, { place }, reader) => {
  const wrong = pathFault(path)
  return wrong ? reader.fault(place, wrong, 'write an absolute path') : path
})
const hostName = text(HOST_NAME)
const labels = pairs({ ...LABEL_NAME, of: 'a label' })
const anyLabels: Shape<{ name: string; value: string }[]> = converted(labels, (all, _node, reader) =>
  all.flatMap(({ name, place, value }) => {
    if (/^[^\p{Cc}]{0,4096}$/u.test(value ?? '')) return [{ name, value: value ?? '' }]
    reader.at(name).fault(place, 'has a control character in it', 'write one line')
    return []
  }),
)

const networkNames = { pattern: VOLUME_NAME.pattern, form: VOLUME_NAME.form, of: 'a network' }
const NETWORK = mapping(
  {
    aliases: taken(list(hostName), 'further names in the group'),
    ipv4_address: refused('use the name of the service; addresses are given by podman'),
    ipv6_address: refused('use the name of the service; addresses are given by podman'),
    link_local_ips: refused('use the name of the service'),
    mac_address: refused('leave it out'),
    interface_name: refused('leave it out'),
    driver_opts: refused('leave it out: the group has one network of podman'),
    priority: otherwise(wholeNumber(0, 1_000_000), 'there is one network'),
    gw_priority: otherwise(wholeNumber(0, 1_000_000), 'there is one network'),
  },
  { of: 'a network of a service', isOptional: true },
)
/** Networks of a service. Returns its further names. */
const networks: Shape<string[]> = byKind({
  list: converted(list(text(networkNames)), () => []),
  map: converted(named(NETWORK, networkNames), (all) => all.flatMap(({ value }) => value.aliases ?? [])),
})

const WINDOWS = 'leave it out: hosts run Linux'
const LIMITS = 'leave it out; deploy.resources.limits bounds memory, processor and processes'
const HOOK = 'make it a service of its own, and wait for it by depends_on with service_completed_successfully'
const TERMINAL = 'a service has no terminal'

/** The keys of a service, in the order of the Compose specification. One table: reader, guide and errors follow from it. */
export const SERVICE_KEYS = {
  image: taken(image, 'resolved to a digest when planned'),
  command: taken(command, 'in place of the command of the image'),
  entrypoint: taken(command, 'in place of the entrypoint of the image'),
  working_dir: taken(absolutePath),
  user: taken(text({ ...USER })),
  group_add: taken(list(text({ form: 'a group', pattern: /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/ }))),
  hostname: taken(hostName),
  environment: taken(environment, 'names and values; a value without a line break'),
  env_file: taken(envFiles, 'read when this file is read'),
  ports: taken(placed(ports), 'fixed, or chosen from 20000 to 29999 where the port of the host is left out'),
  volumes: taken(mounts, 'named volumes, absolute paths of the host, tmpfs'),
  tmpfs: taken(tmpfsMounts),
  secrets: taken(fileGrants('/run/secrets/'), 'files below /run/secrets'),
  configs: taken(fileGrants('/'), 'files'),
  healthcheck: taken(healthcheck, 'made by the warden of the host'),
  depends_on: taken(dependencies, 'the order, and what is waited for'),
  labels: taken(anyLabels),
  deploy: taken(deploy),
  scale: taken(replicas, 'as deploy.replicas'),
  network_mode: taken(choice(['host', 'none', 'bridge', 'default']), 'host: the network of the host'),
  networks: otherwise(networks, 'services of a group share one network and find each other by name'),
  extra_hosts: taken(extraHosts),
  dns: taken(oneOrMany(text({ form: 'an address', pattern: ADDRESS }))),
  dns_search: taken(
    oneOrMany(text({ form: 'a domain', pattern: /^(\.|[A-Za-z0-9_][A-Za-z0-9._-]{0,252})$/ })),
  ),
  dns_opt: taken(list(text({ form: 'an option such as ndots:2', pattern: /^[a-z0-9-]+(:\d+)?$/ }))),
  cap_add: taken(capabilities),
  cap_drop: taken(capabilities),
  read_only: taken(flag),
  init: taken(flag, 'a small init reaps processes'),
  ulimits: taken(ulimits),
  sysctls: taken(sysctls),
  shm_size: taken(byteSize(1)),
  stop_signal: taken(
    text({ form: 'a signal such as SIGTERM', pattern: /^((SIG)?[A-Z]{2,10}([+-]\d{1,2})?\d?|\d{1,2})$/ }),
  ),
  stop_grace_period: taken(duration(0, 86_400_000), 'time until it is killed; 10s'),
  devices: taken(devices),
  security_opt: taken(
    list(placed(text({ form: 'an option such as no-new-privileges:true', max: 200 }))),
    'no-new-privileges; others need x-rollcall.allow_privileged',
  ),
  oom_score_adj: taken(wholeNumber(-1000, 1000)),
  mem_limit: taken(memory, 'as deploy.resources.limits.memory'),
  mem_reservation: taken(memory, 'as deploy.resources.reservations.memory'),
  cpus: taken(cpus, 'as deploy.resources.limits.cpus'),
  pids_limit: taken(pids, 'as deploy.resources.limits.pids'),
  platform: taken(
    text({ form: 'a platform such as linux/arm64', pattern: /^linux\/(amd64|arm64(\/v8)?)$/ }),
    'hosts of this architecture alone',
  ),
  privileged: taken(placed(flag), 'needs x-rollcall.allow_privileged'),
  pid: taken(placed(choice(['host'])), 'needs x-rollcall.allow_privileged'),
  ipc: taken(placed(choice(['host', 'private', 'shareable'])), 'host needs x-rollcall.allow_privileged'),
  logging: taken(logging, 'journald, or none'),
  'x-rollcall': taken(rollcall),
  restart: otherwise(
    text({
      form: 'no, always, on-failure or unless-stopped',
      pattern: /^(no|false|always|unless-stopped|on-failure(:\d+)?)$/,
    }),
    'systemd restarts what ends, and starts it at boot',
  ),
  container_name: otherwise(hostName, 'is kept as a label: instances have names of their own'),
  expose: otherwise(
    list(text({ form: 'a port', pattern: /^\d+(-\d+)?(\/(tcp|udp))?$/ })),
    'is not needed: services of a group reach every port',
  ),
  pull_policy: otherwise(text({ max: 50 }), 'images are fetched when they are applied and never in a start'),
  tty: otherwise(flag, TERMINAL),
  stdin_open: otherwise(flag, TERMINAL),
  attach: otherwise(flag, 'output always goes to the journal'),
  develop: otherwise({ form: 'a mapping', read: () => true }, 'is for docker compose watch'),
  build: refused('build the image elsewhere, add it to Rollcall, and name it by image'),
  extends: refused('write the keys out, or merge an anchor: "<<: *common"'),
  profiles: refused('keep such services in a file of their own', isEmpty),
  links: refused(
    'leave it out: services of a group find each other by name; write the name in networks.NAME.aliases',
    isEmpty,
  ),
  external_links: refused('reach the other project by its published port', isEmpty),
  volumes_from: refused('name the same volumes under volumes', isEmpty),
  annotations: refused('write labels', isEmpty),
  label_file: refused('write labels'),
  post_start: refused(HOOK, isEmpty),
  pre_start: refused(HOOK, isEmpty),
  pre_stop: refused('let the program handle stop_signal, within stop_grace_period', isEmpty),
  gpus: refused('name the device under devices, and label the hosts that have it'),
  device_cgroup_rules: refused('name the devices under devices', isEmpty),
  runtime: refused('set the runtime in containers.conf of the host by a playbook'),
  provider: refused('make it a playbook: x-rollcall.playbook'),
  models: refused('run the model as a service, and give its address in environment'),
  use_api_socket: refused('mount the socket under volumes, with x-rollcall.allow_privileged', isOff),
  domainname: refused('write the whole name under hostname'),
  mac_address: refused('leave it out'),
  blkio_config: refused(LIMITS),
  cgroup: refused(LIMITS),
  cgroup_parent: refused(LIMITS),
  cpu_count: refused(LIMITS),
  cpu_percent: refused(LIMITS),
  cpu_period: refused('write cpus: quota divided by period'),
  cpu_quota: refused('write cpus: quota divided by period'),
  cpu_rt_period: refused(LIMITS),
  cpu_rt_runtime: refused(LIMITS),
  cpu_shares: refused('write deploy.resources.reservations.cpus'),
  cpuset: refused(LIMITS),
  mem_swappiness: refused(LIMITS),
  memswap_limit: refused(LIMITS),
  oom_kill_disable: refused('write oom_score_adj', isOff),
  storage_opt: refused('leave it out'),
  credential_spec: refused(WINDOWS),
  isolation: refused(WINDOWS),
  uts: refused('leave it out; hostname sets the name'),
  userns_mode: refused('leave it out; user sets who runs the program'),
} as const

export const service = mapping(SERVICE_KEYS, { of: 'a service', isListed: true })
