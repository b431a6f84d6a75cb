import { setTimeout as delay } from 'node:timers/promises'
import { Metrics } from '../fleet/metrics.ts'
import type { SimulatedSetting } from '../load/simulated-setting.ts'
import { MemoryWatch } from './memory-watch.ts'
import { cpuMs, familyCpuMs } from './process-cost.ts'

/** Measurements while the server did nothing but heartbeats. */
export interface Window {
  seconds: number
  /** Requests that reached an agent, by the simulator's own count. */
  calls: number
  serverCpuMs: number
  corePercent: number
  databaseCorePercent: number
  simulatorCorePercent: number
  /** The most that the server process had resident. */
  rssMb: number
  /** How late heartbeats began, p99; 0 when there were none. */
  latenessMs: number
}

const SETTLED_LATENESS_MS = 1000
const MAX_SETTLING_S = 120

const LATENESS = 'rollcall_heartbeat_lateness_seconds'

export async function measureWindow(setting: SimulatedSetting, seconds: number): Promise<Window> {
  const { server, simulator } = setting
  const pid = server.pid
  const database = await server.postgresPid()
  const costs = async () => ({
    server: await cpuMs(pid),
    database: await familyCpuMs(database),
    simulator: await simulator.state(),
    atMs: performance.now(),
  })
  // The pages are read outside of the window: they cost the server something too.
  const pageBefore = await Metrics.of(setting.api)
  const memory = await MemoryWatch.start(pid)
  const before = await costs()
  await delay(seconds * 1000)
  const after = await costs()
  const rssMb = await memory.stop()
  const pageAfter = await Metrics.of(setting.api)
  const tookMs = after.atMs - before.atMs
  const percent = (usedMs: number) => (100 * usedMs) / tookMs
  const calls = after.simulator.requests - before.simulator.requests
  return {
    seconds: tookMs / 1000,
    calls,
    serverCpuMs: after.server - before.server,
    corePercent: percent(after.server - before.server),
    databaseCorePercent: percent(after.database - before.database),
    simulatorCorePercent: percent(after.simulator.cpuMs - before.simulator.cpuMs),
    rssMb,
    latenessMs: calls === 0 ? 0 : 1000 * pageAfter.estimateSince(pageBefore, LATENESS, 0.99),
  }
}

/** The steady state is what is measured: a server that never gets there is measured all the same, after two minutes. */
export async function settle(
  setting: SimulatedSetting,
  restS: number,
  log: (line: string) => void,
): Promise<void> {
  for (let waitedS = 0; waitedS < MAX_SETTLING_S; waitedS += restS) {
    const { latenessMs } = await measureWindow(setting, restS)
    if (latenessMs <= SETTLED_LATENESS_MS) return
    log(`not settled yet: p99 lateness ${latenessMs.toFixed(0)} ms`)
  }
}
