import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Host } from '../../bed/index.ts'
import type { Api } from '../../fleet/api.ts'
import { LEDGER_FILE } from './container-program.ts'
import { FalseStates, type ShownState } from './false-states.ts'
import { type HostInspection, inspectHost } from './inspect-host.ts'
import { findDoubles } from './judge-fleet.ts'
import { findOverlaps, parseLedger } from './ledger.ts'
import type { Violation } from './violation.ts'

/** Between two hosts: a look costs a host some 0.2 s of processor time. */
const PAUSE_MS = 700

/** Looks at one host after the other while a run goes on, beside the server, and compares. */
export class Sampler {
  /** Found so far. */
  readonly violations: Violation[] = []
  samples = 0
  readonly #hosts: readonly Host[]
  readonly #api: Api
  readonly #ledger: string
  readonly #states = new FalseStates()
  readonly #latest = new Map<string, ShownState[]>()

  constructor(hosts: readonly Host[], api: Api, ledgerFolder: string) {
    this.#hosts = hosts
    this.#api = api
    this.#ledger = join(ledgerFolder, LEDGER_FILE)
  }

  /** Samples until it is stopped, or a violation was found. */
  async run(stopped: AbortSignal): Promise<void> {
    for (let turn = 0; !stopped.aborted && this.violations.length === 0; turn++) {
      await this.#sample(this.#hosts[turn % this.#hosts.length] as Host)
      await delay(PAUSE_MS)
    }
  }

  async #sample(host: Host): Promise<void> {
    this.violations.push(...findOverlaps(await this.entries()))
    // Nothing is compared while the server, its database or the host is down.
    const shown = await listShown(this.#api).catch(() => null)
    const inspection = host.isRunning ? await inspectHost(host).catch(() => null) : null
    if (inspection) this.violations.push(...findDoubles(new Map([[host.name, inspection]])))
    this.#compare(host.name, inspection, shown)
  }

  #compare(host: string, inspection: HostInspection | null, shown: ShownState[] | null): void {
    if (shown) this.#latest.set(host, shown)
    if (!inspection) this.#states.forget(this.#latest.get(host) ?? [], host)
    if (!inspection || !shown) return
    this.samples++
    this.violations.push(...this.#states.compare(host, inspection, shown, performance.now()))
  }

  /** Reads the ledger of all containers. */
  async entries() {
    return parseLedger(await readFile(this.#ledger, 'utf8').catch(emptyIfMissing))
  }
}

async function listShown(api: Api): Promise<ShownState[]> {
  const { services } = await api.call('listServices', { query: {} })
  return services.flatMap(({ project, name, instances }) =>
    instances.map(({ id, slot, state, host }) => ({
      id,
      name: `${project}/${name}.${slot}`,
      state,
      host: host?.name ?? null,
    })),
  )
}

function emptyIfMissing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return ''
  throw error
}
