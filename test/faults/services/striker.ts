import type { Host } from '../../bed/index.ts'
import { type Fleet, killAgent } from '../../fleet/fleet.ts'
import { strike as strikeServer } from '../strike.ts'
import type { Strike, Victim } from './schedule.ts'

/** A step of an instance, as the runner of a host runs it. */
const STEP = 'playbooks/host service (prepare|start|stop|restart|remove)'

const kill = (unit: string) => ['systemctl', 'kill', '--signal=KILL', unit]

/** Carries out strikes on a fleet: those on the server and its database one after the other, as those on one host. */
export class Striker {
  readonly counts: Partial<Record<Victim, number>> = {}
  readonly #fleet: Fleet
  readonly #log: (line: string) => void
  readonly #lanes = new Map<string, Promise<void>>()

  constructor(fleet: Fleet, log: (line: string) => void) {
    this.#fleet = fleet
    this.#log = log
  }

  /** Begins a strike, which waits for those before it in its lane. */
  begin(strike: Strike): void {
    const host = this.#fleet.hosts[strike.host] as Host
    const isServer = strike.victim === 'server' || strike.victim === 'database'
    const lane = isServer ? 'server' : host.name
    const before = this.#lanes.get(lane) ?? Promise.resolve()
    const next = before.then(() => this.#strike(strike, host))
    // Thrown by `ended`.
    next.catch(() => undefined)
    this.#lanes.set(lane, next)
  }

  /** Waits for all that have begun. Throws what one of them has thrown. */
  async ended(): Promise<void> {
    await Promise.all(this.#lanes.values())
  }

  async #strike({ victim, choice }: Strike, host: Host): Promise<void> {
    const victims: Record<Victim, () => Promise<string | null>> = {
      server: async () => ((await strikeServer('server', this.#fleet.server)) ? 'the server' : null),
      database: async () => ((await strikeServer('database', this.#fleet.server)) ? 'the database' : null),
      power: () => losePower(host),
      agent: async () => ((await killAgent(host)).exitCode === 0 ? host.name : null),
      runner: () => this.#killRunner(host),
      warden: async () =>
        (await host.exec(kill('rollcall-warden.service'))).exitCode === 0 ? host.name : null,
      conmon: () => killConmon(host, choice),
    }
    const hit = await victims[victim]()
    this.#log(`struck ${victim}: ${hit ?? 'was not there'}`)
    if (hit !== null) this.counts[victim] = (this.counts[victim] ?? 0) + 1
  }

  /**
   * Kills the runner of a host with a step under way, with all programs that it owns; of the given host if there is none. Other hosts may go
   * off meanwhile.
   */
  async #killRunner(first: Host): Promise<string | null> {
    const { hosts } = this.#fleet
    const from = hosts.indexOf(first)
    for (const host of [...hosts.slice(from), ...hosts.slice(0, from)]) {
      if (!host.isRunning) continue
      const step = await host.exec(['pgrep', '--full', '--list-full', STEP]).catch(() => null)
      if (step?.exitCode !== 0) continue
      const killed = await host.exec(kill('rollcall-runner.service')).catch(() => null)
      if (killed?.exitCode === 0)
        return `${host.name}, in ${step.stdout.split(' service ')[1]?.split('\n')[0]}`
    }
    return (await first.exec(kill('rollcall-runner.service'))).exitCode === 0 ? first.name : null
  }
}

async function losePower(host: Host): Promise<string> {
  await host.powerOff()
  await host.boot()
  return host.name
}

/** Kills the monitor of one of the containers that run on a host. */
async function killConmon(host: Host, choice: number): Promise<string | null> {
  const listed = await host.exec(['pgrep', '--exact', '--list-full', 'conmon'])
  const monitors = listed.stdout.split('\n').filter(Boolean)
  const chosen = monitors[Math.floor(choice * monitors.length)]
  const pid = chosen?.split(' ')[0]
  if (!chosen || !pid || (await host.exec(['kill', '-KILL', pid])).exitCode !== 0) return null
  return `${host.name}, of ${/ (?:-n|--name) (\S+)/.exec(chosen)?.[1] ?? pid}`
}
