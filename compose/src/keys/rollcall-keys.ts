import { SERVICE_NAME } from '@rollcall/contracts'
import { LABEL_KEY, parseSelector } from '@rollcall/contracts/admin/selector'
import { HOST_NAME, VARIABLE_NAME, VOLUME_NAME } from '../forms/patterns.ts'
import { port } from '../forms/ports.ts'
import { MIN_LEASE_MS } from '../limits.ts'
import { list, named, oneOrMany } from '../read/collections.ts'
import { mapping, taken } from '../read/keys.ts'
import { choice, duration, flag, text, wholeNumber } from '../read/scalars.ts'
import { converted, placed, type Shape } from '../read/shape.ts'
import { check } from './check-keys.ts'
import { MAX_REPLICAS } from './deploy-keys.ts'
import { plainValue } from './plain-value.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

const selector: Shape<string> = converted(
  text({ form: 'a label selector such as env=prod,zone in (a,b)', max: 1000 }),
  (value, { place }, reader) => {
    const parsed = parseSelector(value)
    if (typeof parsed !== 'string') return value
    return reader.fault(
      place,
      'is not a label selector',
      'write key=value, key!=value, key in (a,b), key or !key',
    )
  },
)
const label = text({ form: 'the key of a label', pattern: LABEL_KEY })
const points = wholeNumber(-100, 100)

const PLACE = mapping(
  {
    select: taken(selector, 'hosts whose labels match'),
    spread: taken(oneOrMany(label), 'spread over the values of these labels, the first before the next'),
    prefer: taken(
      named(points, { pattern: /^[^\s,=]+=[^\s,=]*$/, form: 'key=value', of: 'a preference', max: 20 }),
      'points for hosts with a label, from -100 to 100',
    ),
    weights: taken(
      mapping(
        {
          load: taken(wholeNumber(0, 100), '40'),
          spread: taken(wholeNumber(0, 100), '30'),
          affinity: taken(wholeNumber(0, 100), '15'),
          preference: taken(wholeNumber(0, 100), '15'),
        },
        { of: 'weights' },
      ),
      'how much each part of the score counts',
    ),
    max_per_host: taken(wholeNumber(1, MAX_REPLICAS), 'instances on one host'),
  },
  { of: 'place' },
)

const ROLLOUT = mapping(
  {
    strategy: taken(
      choice(['auto', 'critical', 'redundant', 'parallel', 'progressive', 'priority']),
      'auto chooses by the number of instances',
    ),
    canary: taken(wholeNumber(0, 100), 'instances that go first'),
    deadline: taken(duration(10_000, DAY_MS), 'when a rollout that has not ended is rolled back; 10m'),
    critical: taken(flag, 'between min and max are healthy throughout'),
    min: taken(wholeNumber(0, MAX_REPLICAS), 'healthy instances at least'),
    max: taken(wholeNumber(1, MAX_REPLICAS), 'instances at most'),
    stop_after_failures: taken(wholeNumber(1, MAX_REPLICAS), 'failures that end a rollout'),
  },
  { of: 'a rollout' },
)

const GATEWAY = mapping(
  {
    host: taken(
      text({ form: HOST_NAME.form, pattern: /^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/ }),
      'the name that clients ask for',
    ),
    port: taken(port, 'the port in the container'),
    path: taken(
      text({ form: 'a path such as /api', pattern: /^\/[\x21-\x7e]*$/, max: 500 }),
      'requests below this path',
    ),
    drain: taken(duration(0, HOUR_MS), 'time for open requests; 30s'),
    streams: taken(flag, 'connections stay open long, as WebSockets do'),
  },
  { of: 'a gateway', required: ['host', 'port'] },
)

const VOLUME = mapping(
  {
    move: taken(
      choice(['stay', 'copy', 'empty', 'shared']),
      'what happens to the data when its instance moves',
    ),
  },
  { of: 'a volume of x-rollcall', required: ['move'] },
)

const HEAL = mapping(
  {
    rebalance: taken(choice(['off', 'suggest', 'auto'])),
    window: taken(
      text({
        form: 'hours such as 02:00-04:00',
        pattern: /^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/,
      }),
      'when instances may be moved by themselves',
    ),
  },
  { of: 'heal' },
)

/** The keys below `x-rollcall` of a service: what Compose has no word for. */
export const rollcall = mapping(
  {
    place: taken(PLACE, 'where instances go'),
    fence: taken(choice(['none', 'lease', 'confirm']), 'when an instance of a silent host is replaced'),
    lease: taken(
      duration(
        MIN_LEASE_MS,
        HOUR_MS,
        ': a host that is silent must be seen as offline before its lease ends',
      ),
      'the instance ends itself this long after the last renewal',
    ),
    last_resort: taken(choice(['reboot']), 'what a leased instance that cannot be killed does to its host'),
    rollout: taken(ROLLOUT, 'how a new revision comes'),
    checks: taken(list(placed(check), 'a list of checks', 20), 'health, seen from the host'),
    gateway: taken(placed(GATEWAY), 'requests come through the gateways'),
    volumes: taken(named(VOLUME, { ...VOLUME_NAME, of: 'a volume' }), 'what happens to volumes on a move'),
    heal: taken(HEAL, 'what Rollcall does by itself'),
    reach: taken(
      oneOrMany(placed(text({ form: 'the name of a service', pattern: SERVICE_NAME.pattern }))),
      'services of another group whose addresses it gets',
    ),
    secret_environment: taken(
      named(text({ form: 'the name of a secret', pattern: VOLUME_NAME.pattern }), {
        ...VARIABLE_NAME,
        of: 'a variable',
      }),
      'secrets as variables, for images that read no files',
    ),
    spares: taken(wholeNumber(0, 10), 'other hosts that keep the image; 2, and none where volumes stay'),
    pull: taken(choice(['server', 'host']), 'who fetches the image; the server'),
    playbook: taken(
      text({ form: 'the name of a playbook', pattern: /^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+){0,2}$/, max: 200 }),
      'the service is this playbook and no container',
    ),
    variables: taken(
      named(plainValue, {
        pattern: /^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]*$/,
        form: 'a name of letters, digits and underscores',
        of: 'a variable',
      }),
      'variables of the playbook',
    ),
    unit: taken(
      text({ form: 'a unit such as api.service', pattern: /^[A-Za-z0-9][A-Za-z0-9:_.@-]{0,200}\.service$/ }),
      'the unit that the playbook makes, so that it can be stopped and watched',
    ),
    allow_privileged: taken(flag, 'allows privileged, and what gives the whole host to a container'),
  },
  { of: 'x-rollcall' },
)
