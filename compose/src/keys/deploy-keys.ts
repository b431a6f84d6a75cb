import { LABEL_KEY, parseSelector } from '@rollcall/contracts/admin/selector'
import { list } from '../read/collections.ts'
import { mapping, otherwise, refused, taken } from '../read/keys.ts'
import { byteSize, choice, decimal, duration, text, wholeNumber } from '../read/scalars.ts'
import { converted, type Shape, wrongForm } from '../read/shape.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
export const MAX_REPLICAS = 10_000
export const memory = byteSize(6 * 1024 * 1024)
export const cpus = decimal(0.01, 1024)
export const pids = wholeNumber(-1, 4_194_304)
export const replicas = wholeNumber(0, MAX_REPLICAS)

/** A constraint of Swarm, as it is read: a term of a label selector, or the name of a host. */
export type Constraint = { kind: 'label'; term: string } | { kind: 'host'; name: string; isExcluded: boolean }

const CONSTRAINT = /^\s*([A-Za-z0-9._/-]+)\s*(==|!=)\s*(\S+)\s*$/
const ADVICE = 'write node.labels.KEY == VALUE or node.hostname == NAME, or use x-rollcall.place.select'

const constraint: Shape<Constraint> = converted(
  text({ form: 'a constraint such as node.labels.zone == a', max: 500 }),
  (value, { place }, reader) => {
    const [, key = '', operator, wanted = ''] = CONSTRAINT.exec(value) ?? []
    const isExcluded = operator === '!='
    if (key === 'node.hostname') return { kind: 'host', name: wanted, isExcluded }
    const label = /^node\.labels\.(.+)$/.exec(key)?.[1]
    const term = `${label}${isExcluded ? '!=' : '='}${wanted}`
    if (label !== undefined && typeof parseSelector(term) !== 'string') return { kind: 'label', term }
    return reader.fault(place, 'is a constraint that is not supported', ADVICE, 'service.key_unsupported')
  },
)

const spread: Shape<string> = converted(
  mapping(
    {
      spread: taken(
        converted(text({ form: 'node.labels.KEY' }), (value, node, reader) => {
          const label = /^node\.labels\.(.+)$/.exec(value)?.[1] ?? ''
          return LABEL_KEY.test(label) ? label : wrongForm(node, reader, 'node.labels.KEY')
        }),
        'hosts with different values of this label get instances in turn',
      ),
    },
    { of: 'a preference', required: ['spread'] },
  ),
  (values) => values.spread,
)

const UPDATE = {
  parallelism: taken(wholeNumber(0, MAX_REPLICAS), 'instances at once; 0 is all'),
  delay: taken(duration(0, HOUR_MS), 'pause between two instances'),
  failure_action: taken(choice(['rollback', 'pause', 'continue']), 'what a failed rollout does'),
  monitor: taken(duration(0, HOUR_MS), 'how long an instance is watched'),
  max_failure_ratio: taken(decimal(0, 1), 'the part of instances that may fail'),
  order: taken(
    choice(['start-first', 'stop-first']),
    'start-first where no port, volume or lease forbids it',
  ),
}

const RESTART_POLICY = mapping(
  {
    condition: otherwise(choice(['any', 'on-failure', 'none']), 'systemd restarts what ends'),
    delay: otherwise(duration(0, HOUR_MS), 'systemd waits a second, then longer'),
    max_attempts: otherwise(wholeNumber(0, 1_000_000), 'healing gives up by its own ladder'),
    window: otherwise(duration(0, DAY_MS), 'healing has its own window'),
  },
  { of: 'a restart policy' },
)

const RESOURCES = mapping(
  {
    limits: taken(
      mapping(
        { cpus: taken(cpus), memory: taken(memory), pids: taken(pids, 'processes; -1 is without limit') },
        { of: 'limits' },
      ),
      'what a container may use',
    ),
    reservations: taken(
      mapping(
        {
          cpus: taken(cpus),
          memory: taken(memory),
          devices: refused('name the device under devices, and label the hosts that have it'),
          generic_resources: refused('label the hosts that have it, and use x-rollcall.place.select'),
        },
        { of: 'reservations' },
      ),
      'what placement keeps free for it',
    ),
  },
  { of: 'resources' },
)

const PLACEMENT = mapping(
  {
    constraints: taken(list(constraint, 'a list of constraints', 50), 'which hosts may have it'),
    preferences: taken(list(spread, 'a list of preferences', 10), 'spread over the values of a label'),
    max_replicas_per_node: taken(wholeNumber(0, MAX_REPLICAS), 'instances on one host; 0 is without limit'),
  },
  { of: 'placement' },
)

/** The keys below `deploy`. */
export const deploy = mapping(
  {
    mode: taken(choice(['replicated', 'global']), 'global: one instance on every host that fits'),
    replicas: taken(replicas, 'instances; more than one leaves the group'),
    resources: taken(RESOURCES),
    placement: taken(PLACEMENT),
    update_config: taken(mapping(UPDATE, { of: 'a rollout' }), 'how a new revision is rolled out'),
    rollback_config: taken(mapping(UPDATE, { of: 'a rollback' }), 'how the last proven revision comes back'),
    restart_policy: taken(RESTART_POLICY),
    labels: otherwise({ form: 'labels', read: () => true }, 'labels of a container stand under labels'),
    endpoint_mode: otherwise(
      choice(['vip', 'dnsrr']),
      'there is no virtual address: a gateway or reach finds instances',
    ),
  },
  { of: 'deploy' },
)
