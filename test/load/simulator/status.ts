import { randomUUID } from 'node:crypto'
import type { Behaviour, Fault } from './behaviour.ts'

const GIB = 1024 ** 3
const VERSION = '0.1.0+simulated'
/** Systems that a fleet of Debian hosts has, so that not all answer with the same bytes. */
const SYSTEMS = [
  { version: '11', name: 'Debian GNU/Linux 11 (bullseye)', kernel: '5.10.0-33-amd64', cores: 2, memory: 4 },
  { version: '12', name: 'Debian GNU/Linux 12 (bookworm)', kernel: '6.1.0-30-amd64', cores: 8, memory: 32 },
  { version: '13', name: 'Debian GNU/Linux 13 (trixie)', kernel: '6.12.9-amd64', cores: 16, memory: 64 },
] as const
const DISKS = [
  { mount: '/', filesystem: 'ext4', gib: 64 },
  { mount: '/boot', filesystem: 'ext4', gib: 1 },
  { mount: '/var', filesystem: 'ext4', gib: 256 },
] as const
const PORTS = [22, 80, 443, 5432, 9100].map((port) => ({ protocol: 'tcp', address: '0.0.0.0', port }))
/** How long ago an agent has asked its engines, when it tells of their containers. */
const OBSERVED_AGO_MS = 5000

const within = (value: number, from: number, to: number) => Math.min(to, Math.max(from, value))
const step = (size: number) => (Math.random() - 0.5) * size

/** The facts of one simulated host. Its load walks at random, always below what would make it degraded. */
export class HostFacts {
  readonly #hostname: string
  readonly #system: (typeof SYSTEMS)[number]
  readonly #bootId = randomUUID()
  readonly #bootedMs: number
  readonly #startedMs = Date.now()
  /** The unchanging part as JSON: open ports and a container. */
  readonly #services: string
  #cpu = 5 + Math.random() * 40
  #memory = 20 + Math.random() * 40
  #load = Math.random() * 2
  #disk = 0.3 + Math.random() * 0.3

  constructor(hostname: string, index: number) {
    this.#hostname = hostname
    this.#system = SYSTEMS[index % SYSTEMS.length] ?? SYSTEMS[0]
    this.#bootedMs = Math.floor(Date.now() - Math.random() * 90 * 86_400_000)
    this.#services = servicesOf(index, this.#bootedMs)
  }

  health(): string {
    return `{"status":"ok","agent_version":"${VERSION}","protocol":1,"boot_id":"${this.#bootId}"}`
  }

  heartbeat({ clockOffsetMs = 0 }: Behaviour, running: number): string {
    const now = Date.now()
    const uptime = Math.floor((now - this.#startedMs) / 1000)
    return `{"time_ms":${now + clockOffsetMs},"boot_id":"${this.#bootId}","agent_uptime_s":${uptime},"running_commands":${running}}`
  }

  /** About 1.4 KB of JSON, written by hand: it is most of what ten thousand agents cost. */
  status(behaviour: Behaviour, running: readonly string[]): string {
    const { version, name, kernel, cores, memory } = this.#system
    this.#walk()
    const now = Date.now()
    const total = memory * GIB
    const used = behaviour.memoryPercent ?? this.#memory
    const cpu = (behaviour.cpuPercent ?? this.#cpu).toFixed(1)
    const load = this.#load.toFixed(2)
    return (
      `{"agent_version":"${VERSION}","hostname":"${this.#hostname}",` +
      `"os":{"id":"debian","version":"${version}","name":"${name}"},"kernel":"${kernel}","architecture":"x86_64",` +
      `"boot_id":"${this.#bootId}","uptime_s":${((now - this.#bootedMs) / 1000).toFixed(2)},` +
      `"clock":{"time_ms":${now + (behaviour.clockOffsetMs ?? 0)},"time_zone":"UTC"},` +
      `"load":[${load},${load},${load}],"cpu":{"cores":${cores},"used_percent":${cpu}},` +
      `"memory":{"total_bytes":${total},"available_bytes":${Math.floor(total * (1 - used / 100))},` +
      `"swap_total_bytes":${GIB},"swap_free_bytes":${GIB}},"disks":[${this.#disks()}],` +
      `"running_commands":${JSON.stringify(running)},${this.#services},` +
      `"container_engines":[{"name":"podman","observed_at_ms":${now - OBSERVED_AGO_MS},"total":1,"failure":null}]}`
    )
  }

  #disks(): string {
    let text = ''
    for (const { mount, filesystem, gib } of DISKS) {
      const available = Math.floor(gib * GIB * (1 - this.#disk))
      text += `${text && ','}{"mount":"${mount}","filesystem":"${filesystem}","total_bytes":${gib * GIB},"available_bytes":${available}}`
    }
    return text
  }

  #walk(): void {
    this.#cpu = within(this.#cpu + step(10), 1, 80)
    this.#memory = within(this.#memory + step(2), 5, 85)
    this.#load = within(this.#load + step(0.4), 0, 8)
    this.#disk = within(this.#disk + step(0.002), 0.05, 0.85)
  }
}

function servicesOf(index: number, startedMs: number): string {
  const container = {
    engine: 'podman',
    id: index.toString(16).padStart(64, '0'),
    name: 'web',
    image: 'registry.example/web:1.27',
    state: 'running',
    health: 'healthy',
    started_at_ms: startedMs,
    ended_at_ms: null,
    exit_code: null,
    ports: [{ protocol: 'tcp', host_address: '0.0.0.0', host_port: 80, container_port: 8080, count: 1 }],
    ports_truncated: false,
  }
  const services = { open_ports: PORTS, open_ports_truncated: false, containers: [container] }
  return JSON.stringify(services).slice(1, -1)
}

const ESCAPES = '\u001b[2J\u001b]0;owned\u0007\u202egnp.exe\u0000\u009b31m'
const MARKUP = `<script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}\${7*7}`
const LONG = 'A'.repeat(100_000)

/** The same status as an agent that means harm would tell it. Any other fault leaves it as it is. */
export function corrupted(status: string, fault: Fault | null): string {
  switch (fault) {
    case 'proto_keys':
      return status.replace(
        '{',
        '{"__proto__":{"isPolluted":true},"constructor":{"prototype":{"isPolluted":true}},',
      )
    case 'escapes':
      return withFacts(status, ESCAPES)
    case 'half_characters':
      return withFacts(status, 'web\ud83d')
    case 'markup':
      return withFacts(status, MARKUP)
    case 'long':
      return withFacts(status, LONG)
    default:
      return status
  }
}

function withFacts(status: string, text: string): string {
  const facts = JSON.parse(status) as { hostname: string; os: { name: string }; kernel: string }
  facts.hostname = text
  facts.os.name = text
  facts.kernel = text
  return JSON.stringify(facts)
}
