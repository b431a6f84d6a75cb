/** Readers of what the engines print: pure. Every word of it is hostile, since whoever starts a container chooses its name. */
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

/** What an engine said is not what such an engine says. */
export class UnreadableAnswer extends Error {}

// What is missing or strange is left out; without an id there is no container to speak of.
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

/** `podman ps --all --format json` */
export function parsePodman(output: string): Container[] {
  return read(z.array(podmanContainer), parseJson(output || '[]')).map((seen) => {
    const ports = seen.Ports.map((port) => podmanPort.safeParse(port).data).map(
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
      id: seen.Id,
      name: seen.Names[0] ?? '',
      image: seen.Image,
      state: seen.State,
      ports,
      // Podman tells of a container's health here only, as docker's own list does.
      health: /\((healthy|unhealthy|starting)\)$/.exec(seen.Status)?.[1],
      startedMs: seen.StartedAt * 1000,
      endedMs: seen.ExitedAt * 1000,
      exitCode: seen.ExitCode,
    })
  })
}

/**
 * What `docker inspect` is asked to print of each container, on a line of its own. In the names of its Go types (`.ID`, not
 * `.Id`): with one of the API's names docker falls back to plain maps, in which asking for a health that is not there fails.
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

/** `docker inspect --format DOCKER_FORMAT` */
export function parseDocker(output: string): Container[] {
  const lines = output.split('\n').filter((line) => line !== '')
  return read(z.array(dockerContainer), lines.map(parseJson)).map((seen) =>
    toContainer('docker', {
      id: seen.id,
      name: seen.name.replace(/^\//, ''),
      image: seen.image,
      state: seen.state,
      health: seen.health,
      exitCode: seen.exit_code,
      startedMs: Date.parse(seen.started),
      endedMs: Date.parse(seen.ended),
      ports: joinPorts(Object.entries(seen.ports ?? {}).flatMap(dockerPorts)),
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

/** A port as an engine tells it: it may be anything still. */
type Port = Record<keyof ContainerPort, string | number | undefined>

/** Docker lists a range port by port, in the order of their names. */
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

interface Seen {
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

function toContainer(engine: ContainerEngineName, seen: Seen): Container {
  const ports = seen.ports.flatMap((port) => containerPort.safeParse(port).data ?? [])
  const state = containerState.safeParse(seen.state.toLowerCase()).data ?? 'unknown'
  const hasEnded = HAS_ENDED.has(state)
  return {
    engine,
    id: seen.id,
    state,
    name: sanitizeText(seen.name, 255),
    image: sanitizeText(seen.image, 512),
    health: container.shape.health.safeParse(seen.health).data ?? null,
    started_at_ms: momentOf(seen.startedMs),
    ended_at_ms: hasEnded ? momentOf(seen.endedMs) : null,
    exit_code: hasEnded ? (container.shape.exit_code.safeParse(seen.exitCode).data ?? null) : null,
    ports: ports.slice(0, MAX_CONTAINER_PORTS),
    ports_truncated: ports.length > MAX_CONTAINER_PORTS,
  }
}

/** Both engines write the year 1 for what has not happened. */
const momentOf = (ms: number): number | null =>
  container.shape.started_at_ms.safeParse(Math.floor(ms)).data || null

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new UnreadableAnswer('it is not JSON')
  }
}

function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new UnreadableAnswer(`${issue?.path.join('.') || 'it'}: ${issue?.message}`)
}
