import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from 'node:tls'
import type { AdminResponse, NewUpgradeInput } from '@rollcall/contracts/admin'
import type { Host } from '../bed/index.ts'
import { poll } from '../bed/poll.ts'
import { Releases } from '../fleet/releases.ts'
import { BenchFleet } from './bench-fleet.ts'
import type { Benchmark, Figure } from './figure.ts'
import { percentile } from './statistics.ts'

const LONG = { hosts: 20, rounds: 5 }
const SHORT = { hosts: 20, rounds: 3 }
const RINGS = { canary: 0, batch: 5, gateMs: 1000 }
const ENDED_MS = 600_000
const PROBE_MS = 2000
const BETWEEN_MS = 20

export const upgrade: Benchmark = {
  summary: 'agents to a new release: one, how long it does not answer, and twenty in rings of five',
  async run(log, { isShort }) {
    const { hosts: count, rounds } = isShort ? SHORT : LONG
    await using releases = await Releases.open()
    await using fleet = await BenchFleet.open('upgrade', log, releases.env)
    const hosts = await fleet.boot(...Array.from({ length: count }, (_, i) => `node-${i + 1}`))
    await Promise.all(hosts.map((host) => fleet.install(host)))
    const [first] = hosts as [Host]
    const seconds: number[] = []
    const gaps: number[] = []
    for (let round = 0; round < rounds; round++) {
      const version = await releases.add(`9.0.${round}`)
      const probe = await RpcProbe.start(first)
      seconds.push(await upgraded(fleet, { hosts: [first.name], version }))
      gaps.push(await probe.stop())
    }
    log(
      `one: ${seconds.map((s) => s.toFixed(1)).join(', ')} s; silent for ${gaps.map((s) => s.toFixed(2)).join(', ')} s`,
    )
    const version = await releases.add('9.1.0')
    const all = await upgraded(fleet, { all: true, version, rings: RINGS })
    log(`${count} in rings of ${RINGS.batch}: ${all.toFixed(1)} s`)
    const figure = (name: string, value: number, atMost: number, n: number): Figure => ({
      name: `upgrade.${name}`,
      value,
      unit: 's',
      target: { atMost },
      peer: null,
      peerValue: null,
      n,
    })
    return [
      figure('one_s', percentile(seconds, 0.5), 15, rounds),
      figure('rpc_gap_s', Math.max(...gaps), 3, rounds),
      figure('twenty_s', all, 90, 1),
    ]
  },
}

/** Seconds from the request until the last host has ended. Throws unless every host was upgraded. */
async function upgraded({ api }: BenchFleet, request: NewUpgradeInput): Promise<number> {
  const started = performance.now()
  const { upgrade: begun } = await api.call('startUpgrade', { body: request })
  let shown: AdminResponse<'showUpgrade'> | undefined
  const hasEnded = async () => {
    shown = await api.call('showUpgrade', { params: { id: begun.id } })
    return shown?.upgrade.endedAt !== null
  }
  await poll(hasEnded, { timeoutMs: ENDED_MS, everyMs: 50, what: 'the upgrade to end' })
  const wrong = shown?.hosts.find(({ state }) => state !== 'upgraded')
  if (shown?.upgrade.state !== 'done' || wrong)
    throw new Error(`the upgrade is ${shown?.upgrade.state}: ${JSON.stringify(wrong)}`)
  return (performance.now() - started) / 1000
}

/** Opens one TLS connection after the other to an agent, and notes for how long none came about. */
class RpcProbe {
  readonly #port: number
  readonly #address: string
  readonly #done: Promise<void>
  #isStopped = false
  #lastMs = performance.now()
  #longestMs = 0

  private constructor(address: string, port: number) {
    this.#address = address
    this.#port = port
    this.#done = this.#run()
  }

  static async start(host: Host): Promise<RpcProbe> {
    const config = JSON.parse(await host.output(['cat', '/etc/rollcall-agent/config.json'])) as {
      rpc_port: number
    }
    return new RpcProbe(host.address, config.rpc_port)
  }

  /** The longest time without an answer, in seconds. */
  async stop(): Promise<number> {
    this.#isStopped = true
    await this.#done
    return this.#longestMs / 1000
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await delay(BETWEEN_MS)
      if (!(await this.#isAnswered())) continue
      const nowMs = performance.now()
      this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs)
      this.#lastMs = nowMs
    }
  }

  async #isAnswered(): Promise<boolean> {
    const socket = connect({
      host: this.#address,
      port: this.#port,
      rejectUnauthorized: false,
      timeout: PROBE_MS,
    })
    socket.once('timeout', () => socket.destroy(new Error('no answer')))
    try {
      await once(socket, 'secureConnect')
      return true
    } catch {
      return false
    } finally {
      socket.destroy()
    }
  }
}
