import { command } from '../forms/command.ts'
import { port } from '../forms/ports.ts'
import { mapping, taken } from '../read/keys.ts'
import { choice, duration, flag, text, wholeNumber } from '../read/scalars.ts'
import { converted, type Shape } from '../read/shape.ts'

const HOUR_MS = 3_600_000

/** A check that the warden makes on the host. */
export interface Check {
  probe:
    | { kind: 'http'; path: string; port: number }
    | { kind: 'tcp'; port: number }
    | { kind: 'database'; database: 'postgres' | 'mysql' | 'redis'; port: number }
    | { kind: 'command'; argv: string[] }
    | { kind: 'process'; name: string }
    | { kind: 'resources'; maxMemoryPercent: number | null; maxCpuPercent: number | null }
  /** Others fail the service; this one only makes it partly healthy. */
  isCritical: boolean
  intervalMs: number
  timeoutMs: number
  /** Failures, and successes, in a row that change the state. */
  fails: number
  passes: number
  startPeriodMs: number
}

const percent = converted(
  text({ form: 'a percentage such as 90%', pattern: /^([1-9]\d?|100)%$/, max: 4 }),
  (value) => Number.parseInt(value, 10),
)

const program = text({ form: 'the name of a program', pattern: /^[^\n]+$/, max: 1000 })

const resources = mapping(
  { memory: taken(percent, 'part of its limit'), cpu: taken(percent, 'part of its limit') },
  { of: 'a check of resources' },
)

const DEFAULT_PORTS = { postgres: 5432, mysql: 3306, redis: 6379 }
const KINDS = ['http', 'tcp', 'database', 'command', 'process', 'resources'] as const

/** A check under `x-rollcall.checks`: one of six kinds, with its rhythm. */
export const check: Shape<Check> = converted(
  mapping(
    {
      http: taken(
        text({ form: 'a path such as /up', pattern: /^\/[\x21-\x7e]*$/, max: 1000 }),
        'a path that answers 200 to 399; redirects are not followed',
      ),
      tcp: taken(port, 'a port that accepts a connection'),
      database: taken(choice(['postgres', 'mysql', 'redis']), 'a port that greets as this database does'),
      command: taken(command, 'a program in the container that exits with 0'),
      process: taken(program, 'a program that runs in the container'),
      resources: taken(resources, 'a limit of memory or processor'),
      port: taken(port, 'for http and database'),
      critical: taken(flag, 'false: a failure makes it partly healthy only'),
      interval: taken(duration(1000, HOUR_MS)),
      timeout: taken(duration(100, 60_000)),
      fails: taken(wholeNumber(1, 100), 'failures in a row until it failed; 3'),
      passes: taken(wholeNumber(1, 100), 'successes in a row until it is healthy; 2'),
      start_period: taken(duration(0, HOUR_MS), 'failures count after this'),
    },
    { of: 'a check' },
  ),
  (values, { place }, reader) => {
    const kinds = KINDS.filter((kind) => values.places[kind])
    if (kinds.length !== 1)
      return reader.fault(place, 'needs one kind of check', `write one of ${KINDS.join(', ')}`)
    if (values.command?.length === 0)
      return reader.fault(values.places.command ?? place, 'has no program', 'write [program, argument]')
    if (kinds[0] === 'http' && !values.places.port) return reader.fault(place, 'lacks port', 'add port: 80')
    const probe = toProbe(values)
    return (
      probe && {
        probe,
        isCritical: values.critical ?? true,
        intervalMs: values.interval ?? 10_000,
        timeoutMs: values.timeout ?? 2000,
        fails: values.fails ?? 3,
        passes: values.passes ?? 2,
        startPeriodMs: values.start_period ?? 0,
      }
    )
  },
)

interface ProbeValues {
  http?: string
  tcp?: number
  database?: keyof typeof DEFAULT_PORTS
  command?: string[]
  process?: string
  resources?: { memory?: number; cpu?: number }
  port?: number
}

function toProbe(values: ProbeValues): Check['probe'] | undefined {
  const { http, tcp, database, command: argv, process, resources: bounds, port: given } = values
  if (http !== undefined && given !== undefined) return { kind: 'http', path: http, port: given }
  if (tcp !== undefined) return { kind: 'tcp', port: tcp }
  if (database !== undefined) return { kind: 'database', database, port: given ?? DEFAULT_PORTS[database] }
  if (argv !== undefined) return { kind: 'command', argv }
  if (process !== undefined) return { kind: 'process', name: process }
  if (!bounds) return undefined
  const { memory = null, cpu = null } = bounds
  return { kind: 'resources', maxMemoryPercent: memory, maxCpuPercent: cpu }
}
