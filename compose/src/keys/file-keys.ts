import { PROJECT_NAME, SERVICE_NAME } from '@rollcall/contracts'
import { configDeclaration, secretDeclaration } from '../forms/files.ts'
import { volumeDeclaration } from '../forms/mounts.ts'
import { VOLUME_NAME } from '../forms/patterns.ts'
import { MAX_SERVICES } from '../limits.ts'
import { named } from '../read/collections.ts'
import { isEmpty, isOff, mapping, otherwise, refused, taken } from '../read/keys.ts'
import { flag, text } from '../read/scalars.ts'
import { placed } from '../read/shape.ts'
import type { Node } from '../source/tree.ts'
import { service } from './service-keys.ts'

const NAMES = { ...VOLUME_NAME, hasExtensions: true }

const isBridge = (node: Node): boolean => node.kind === 'scalar' && /^(bridge|default|)$/.test(node.text)

const NETWORK = mapping(
  {
    driver: refused('leave it out: a group has one network of podman, and hosts share none', isBridge),
    name: otherwise(text(), 'the network has a name of its own'),
    attachable: otherwise(flag, 'nothing else joins the network'),
    enable_ipv4: otherwise(flag, 'as podman is set up'),
    enable_ipv6: otherwise(flag, 'as podman is set up'),
    labels: otherwise({ form: 'labels', read: () => true }, 'labels of networks have no use here'),
    driver_opts: refused('leave it out', isEmpty),
    ipam: refused('leave it out: addresses are given by podman', isEmpty),
    internal: refused('leave it out, and let a firewall of the host forbid what must not go out', isOff),
    external: refused(
      'leave it out: reach services of other files by their published ports, or through a gateway',
      isOff,
    ),
  },
  { of: 'a network', isOptional: true },
)

/** The keys of a file. */
export const FILE_KEYS = {
  name: taken(text(PROJECT_NAME), 'the project; part of the names of its volumes'),
  services: taken(
    named(service, { ...SERVICE_NAME, of: 'a service', max: MAX_SERVICES, hasExtensions: true }),
    'at most 200',
  ),
  volumes: taken(named(volumeDeclaration, { ...NAMES, of: 'a volume' }), 'named volumes of the services'),
  secrets: taken(named(secretDeclaration, { ...NAMES, of: 'a secret' }), 'their values are in Rollcall'),
  configs: taken(
    named(placed(configDeclaration), { ...NAMES, of: 'a config' }),
    'texts that containers see as files',
  ),
  networks: otherwise(
    named(NETWORK, { ...NAMES, of: 'a network' }),
    'services of a group share one network; networks do not separate them',
  ),
  version: otherwise(text(), 'is obsolete, also for Compose'),
  include: refused('write the services into this file', isEmpty),
  models: refused('run the model as a service, and give its address in environment', isEmpty),
} as const

export const file = mapping(FILE_KEYS, { of: 'a file', isListed: true, required: ['services'] })
