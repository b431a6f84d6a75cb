/** Parses what the engines print; pure. Every value is hostile, since anyone who starts a container chooses its name. */
import { sanitizeText } from '@rollcall/contracts'
import {
  type Container,
  type ContainerEngineName,
  type ContainerPort,
  container,
  containerPort,
  containerState,
  MAX_CONTAINER_PORTS,
} from '@rollcall/contracts/agent'
import { z } from 'zod'

/** The output is not in the engine's format. */
export class UnreadableOutput extends Error {}

// Missing or malformed fields are left out; only the id is required.
const id = container.shape.id
const text = z.string().catch('')
const seconds = z.number().catch(0)
const wholePorts = z.array(z.unknown()).catch([])

const podmanContainer = z.object({
  Id: id,
  Names: z.array(z.string()).catch([]),
  Image: text,
  State: text,
  Status: text,
  StartedAt: seconds,
  ExitedAt: seconds,
  ExitCode: z.number().catch(Number.NaN),
  Ports: wholePorts,
})

// Podman 4 and later write the first set of names, podman 3 the second.
const podmanPort = z.union([
  z.object({
    host_ip: text,
    host_port: z.number(),
    container_port: z.number(),
    protocol: z.string(),
    range: z.number().catch(1),
  }),
  z
    .object({ hostIP: text, hostPort: z.number(), containerPort: z.number(), protocol: z.string() })
    .transform(({ hostIP, hostPort, containerPort, protocol }) => ({
      host_ip: hostIP,
      host_port: hostPort,
      container_port: containerPort,
      protocol,
      range: 1,
    })),
])

/** Parses the output of `podman ps --all --format json`. Throws `UnreadableOutput`. */
export function parsePodman(output: string): Container[] {
  return read(z.array(podmanContainer), parseJson(output || '[]')).map((row) => {
    const ports = row.Ports.map((port) => podmanPort.safeParse(port).data).map(
      (port) =>
        port && {
          protocol: port.protocol,
          host_address: port.host_ip || '0.0.0.0',
          host_port: port.host_port,
          container_port: port.container_port,
          count: port.range,
        },
    )
    return toContainer('podman', {
      id: row.Id,
      name: row.Names[0] ?? '',
      image: row.Image,
      state: row.State,
      ports,
      // Podman's list has a container's health only here.
      health: /\((healthy|unhealthy|starting)\)$/.exec(row.Status)?.[1],
      startedMs: row.StartedAt * 1000,
      endedMs: row.ExitedAt * 1000,
      exitCode: row.ExitCode,
    })
  })
}

/**
 * Format of `docker inspect`: one line of JSON per container. It names Go fields (`.ID`, not `.Id`): with an API name docker
 * falls back to plain maps, in which a missing health check is an error.
 */
export const DOCKER_FORMAT = [
  '{"id":{{json .ID}},"name":{{json .Name}},"image":{{json .Config.Image}}',
  ',"state":{{json .State.Status}},"exit_code":{{json .State.ExitCode}}',
  ',"started":{{json .State.StartedAt}},"ended":{{json .State.FinishedAt}}',
  ',"health":{{if .State.Health}}{{json .State.Health.Status}}{{else}}null{{end}}',
  ',"ports":{{json .NetworkSettings.Ports}}}',
].join('')

const dockerContainer = z.object({
  id,
  name: text,
  image: text,
  state: text,
  started: text,
  ended: text,
  exit_code: z.number().catch(Number.NaN),
  health: z.string().nullable().catch(null),
  ports: z
    .record(z.string(), z.array(z.object({ HostIp: text, HostPort: text })).nullable())
    .nullable()
    .catch(null),
})

/** Parses the output of `docker inspect --format DOCKER_FORMAT`. Throws `UnreadableOutput`. */
export function parseDocker(output: string): Container[] {
  const lines = output.split('\n').filter((line) => line !== '')
  return read(z.array(dockerContainer), lines.map(parseJson)).map((row) =>
    toContainer('docker', {
      id: row.id,
      name: row.name.replace(/^\//, ''),
      image: row.image,
      state: row.state,
      health: row.health,
      exitCode: row.exit_code,
      startedMs: Date.parse(row.started),
      endedMs: Date.parse(row.ended),
      ports: joinPorts(Object.entries(row.ports ?? {}).flatMap(dockerPorts)),
    }),
  )
}

function dockerPorts([inside, outside]: [string, { HostIp: string; HostPort: string }[] | null]): Port[] {
  const [number, protocol] = inside.split('/')
  return (outside ?? []).map(({ HostIp, HostPort }) => ({
    protocol,
    host_address: HostIp || '0.0.0.0',
    host_port: Number(HostPort),
    container_port: Number(number),
    count: 1,
  }))
}

/** A port as an engine prints it, not yet validated. */
type Port = Record<keyof ContainerPort, string | number | undefined>

/** Joins ranges, which docker lists port by port, sorted by name. */
function joinPorts(ports: Port[]): Port[] {
  const keys = ['host_address', 'protocol', 'host_port', 'container_port'] as const
  const sorted = ports.toSorted((a, b) => {
    const key = keys.find((name) => a[name] !== b[name])
    return key === undefined ? 0 : (a[key] ?? 0) < (b[key] ?? 0) ? -1 : 1
  })
  const joined: Port[] = []
  for (const port of sorted) {
    const last = joined.at(-1)
    if (last !== undefined && follows(last, port)) last.count = Number(last.count) + 1
    else joined.push({ ...port })
  }
  return joined
}

const follows = (last: Port, next: Port): boolean =>
  last.host_address === next.host_address &&
  last.protocol === next.protocol &&
  Number(last.host_port) + Number(last.count) === next.host_port &&
  Number(last.container_port) + Number(last.count) === next.container_port

interface EngineRow {
  id: string
  name: string
  image: string
  state: string
  health: string | null | undefined
  startedMs: number
  endedMs: number
  exitCode: number
  ports: (Port | undefined)[]
}

const HAS_ENDED = new Set(['exited', 'stopped', 'dead'])

function toContainer(engine: ContainerEngineName, row: EngineRow): Container {
  const ports = row.ports.flatMap((port) => containerPort.safeParse(port).data ?? [])
  const state = containerState.safeParse(row.state.toLowerCase()).data ?? 'unknown'
  const hasEnded = HAS_ENDED.has(state)
  return {
    engine,
    id: row.id,
    state,
    name: sanitizeText(row.name, 255),
    image: sanitizeText(row.image, 512),
    health: container.shape.health.safeParse(row.health).data ?? null,
    started_at_ms: toMoment(row.startedMs),
    ended_at_ms: hasEnded ? toMoment(row.endedMs) : null,
    exit_code: hasEnded ? (container.shape.exit_code.safeParse(row.exitCode).data ?? null) : null,
    ports: ports.slice(0, MAX_CONTAINER_PORTS),
    ports_truncated: ports.length > MAX_CONTAINER_PORTS,
  }
}

/** Returns null for a time that has not come, which both engines write as the year 1. */
const toMoment = (ms: number): number | null =>
  container.shape.started_at_ms.safeParse(Math.floor(ms)).data || null

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new UnreadableOutput('it is not JSON')
  }
}

function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new UnreadableOutput(`${issue?.path.join('.') || 'it'}: ${issue?.message}`)
}
