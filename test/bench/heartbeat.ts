import { setTimeout as delay } from 'node:timers/promises'
import { makeIdentity } from '../../agent/test/fixtures/certificate.ts'
import { poll } from '../bed/poll.ts'
import { LiveClient } from '../fleet/live-client.ts'
import { SimulatedSetting } from '../load/simulated-setting.ts'
import { type Floor, measureFloor } from './bare-floor.ts'
import { dispatchOnce } from './dispatch.ts'
import type { Benchmark, Figure } from './figure.ts'
import { heartbeatPlots } from './heartbeat-plot.ts'
import { measureWindow, settle, type Window } from './heartbeat-window.ts'
import { percentile } from './statistics.ts'

/** The server and its database on one core, the world that they look at on the other. */
const CORES = { server: '0', simulator: '1' }
/** Fleets and the bounds of their intervals: small fleets are called more often, so that their cost shows at all. */
const STEPS = [
  { agents: 10, minMs: 1000, maxMs: 2000 },
  { agents: 100, minMs: 1000, maxMs: 3000 },
  { agents: 1000, minMs: 5000, maxMs: 15_000 },
  { agents: 10_000, minMs: 20_000, maxMs: 60_000 },
] as const
const WHOLE = STEPS[3]
/** After every agent has answered, a rest of `restS` at a time until what was missed meanwhile has been made up for. */
const LONG = { restS: 15, idleS: 30, stepS: 60, windowS: 120, settleS: 60, dispatches: 300 }
const SHORT = { restS: 5, idleS: 10, stepS: 10, windowS: 20, settleS: 15, dispatches: 100 }
const CONNECT_MS = 20_000
const PAUSE_MS = 50
/** Long enough that a moment in which the machine was busy elsewhere, and the rush after it, is no rate. */
const FLAP_WINDOW_MS = 10_000

export const heartbeat: Benchmark = {
  summary: 'what calling the roll of up to 10,000 agents costs, and what it costs to be called late',
  plots: heartbeatPlots,
  async run(log, { isShort }) {
    const times = isShort ? SHORT : LONG
    const floorIdentity = makeIdentity('floor')
    await using setting = await SimulatedSetting.open({
      agents: WHOLE.agents,
      seeded: 0,
      cores: CORES,
      log,
      morePins: [floorIdentity.pin],
    })
    const idle = await measureWindow(setting, times.idleS)
    log(`no agents: ${idle.corePercent.toFixed(2)} % of a core`)
    const windows: Window[] = []
    for (const [at, step] of STEPS.entries()) {
      await grow(setting, STEPS[at - 1]?.agents ?? 0, step)
      await settle(setting, times.restS, log)
      const window = await measureWindow(setting, step === WHOLE ? times.windowS : times.stepS)
      checkPace(window, step)
      windows.push(window)
      log(`${step.agents} agents, each every ${step.minMs} to ${step.maxMs} ms: ${describe(window)}`)
    }
    const steady = windows.at(-1) as Window
    const firstByteMs = await dispatches(setting, times.dispatches)
    const flapRate = await flap(setting, times.settleS, times.windowS, log)
    const dark = await blackhole(setting, times.settleS, times.windowS, log)

    await setting.server.end('SIGTERM')
    const floors: (Floor | null)[] = []
    for (const step of STEPS) {
      // The short form has no time for floors that nothing is promised against.
      const isMeasured = step === WHOLE || !isShort
      const windowS = step === WHOLE ? times.windowS : times.stepS
      floors.push(isMeasured ? await floorOf(setting, floorIdentity, step, windowS) : null)
    }
    const floor = floors.at(-1) ?? null
    if (floor)
      log(
        `bare loop: ${floor.corePercent.toFixed(2)} %, ${floor.cpuUsPerCall.toFixed(0)} µs, ${floor.rssMb.toFixed(0)} MB`,
      )

    const figure = (name: string, unit: string, value: number, atMost: number | null, n: number): Figure => ({
      name,
      value,
      unit,
      target: atMost === null ? null : { atMost },
      peer: null,
      peerValue: null,
      n,
    })
    const beside = (own: Figure, peerValue: number | undefined): Figure =>
      peerValue === undefined ? own : { ...own, peer: 'bare undici loop, no database', peerValue }
    return [
      beside(figure('heartbeat.core_percent', '%', steady.corePercent, 15, steady.calls), floor?.corePercent),
      figure('heartbeat.database_core_percent', '%', steady.databaseCorePercent, null, steady.calls),
      beside(figure('heartbeat.rss_mb', 'MB', steady.rssMb, 900, 1), floor?.rssMb),
      figure('heartbeat.lateness_ms.p99', 'ms', steady.latenessMs, 1000, steady.calls),
      ...STEPS.map((step, at) => {
        const { serverCpuMs, calls, seconds } = windows[at] as Window
        const us = (1000 * (serverCpuMs - (idle.corePercent / 100) * seconds * 1000)) / calls
        const own = figure(`heartbeat.cpu_us.${step.agents}`, 'µs', us, step === WHOLE ? 350 : null, calls)
        return beside(own, floors[at]?.cpuUsPerCall)
      }),
      figure('heartbeat.blackhole.lateness_ratio', '×', dark.latenessMs / steady.latenessMs, 2, dark.calls),
      figure('heartbeat.flap.rate_ratio', '×', flapRate / (steady.calls / steady.seconds), 2, 1),
      figure(
        'dispatch.loaded.first_byte_ms.p99',
        'ms',
        percentile(firstByteMs, 0.99),
        250,
        firstByteMs.length,
      ),
    ]
  },
}

type Step = (typeof STEPS)[number]

/** Adds agents up to those of `step`, and resolves when each has been called at the new pace. */
async function grow(setting: SimulatedSetting, from: number, { agents, minMs, maxMs }: Step): Promise<void> {
  const { api, server, simulator } = setting
  await api.call('changeHeartbeatProfile', { params: { profile: 'default' }, body: { minMs, maxMs } })
  await setting.seed(from, agents)
  // A server that starts looks for new agents at once, and not within a quarter of a minute.
  await server.restart('SIGTERM')
  await simulator.forget()
  await poll(async () => (await simulator.records()).counts('heartbeat').size === agents, {
    timeoutMs: 2 * maxMs + 30_000,
    everyMs: 500,
    what: `each of ${agents} agents to be called`,
  })
}

/** A window in which agents were called at another pace than they should be measures something else. */
function checkPace({ calls, seconds }: Window, { agents, minMs, maxMs }: Step): void {
  const expected = (agents * seconds * 1000) / ((minMs + maxMs) / 2)
  if (Math.abs(calls / expected - 1) > 0.2)
    throw new Error(
      `${agents} agents were called ${calls} times in ${seconds.toFixed(0)} s, not ${expected.toFixed(0)}`,
    )
}

const describe = (window: Window) =>
  `server ${window.corePercent.toFixed(2)} %, database ${window.databaseCorePercent.toFixed(2)} %, ` +
  `${window.rssMb.toFixed(0)} MB, p99 lateness ${window.latenessMs.toFixed(0)} ms, ${window.calls} calls; ` +
  `simulator ${window.simulatorCorePercent.toFixed(2)} %`

/** Milliseconds from acceptance to first byte, of commands on one agent after another while all are being called. */
async function dispatches({ api, simulator }: SimulatedSetting, rounds: number): Promise<number[]> {
  using live = await LiveClient.open(api)
  const times: number[] = []
  for (const index of simulator.share(rounds / simulator.agents.length)) {
    await delay(PAUSE_MS)
    times.push(await dispatchOnce(api, live.socket, simulator.agents[index]?.name ?? ''))
  }
  return times
}

/** Calls a second in the busiest ten seconds while three in ten agents are up for half of each half minute. */
async function flap(
  { simulator }: SimulatedSetting,
  settleS: number,
  windowS: number,
  log: (line: string) => void,
): Promise<number> {
  const some = simulator.share(0.3)
  await simulator.behave(some, { fault: 'hangup', flapping: { periodMs: 30_000, soundShare: 0.5 } })
  await delay(settleS * 1000)
  await simulator.forget()
  await delay(windowS * 1000)
  const records = await simulator.records()
  await simulator.behave(some, {})
  const most = records.greatestRate('heartbeat', FLAP_WINDOW_MS) / (FLAP_WINDOW_MS / 1000)
  const mean = records.times({ what: 'heartbeat' }).length / windowS
  log(`three in ten flapping: ${mean.toFixed(0)} calls a second, ${most.toFixed(0)} at most`)
  return most
}

async function blackhole(
  setting: SimulatedSetting,
  settleS: number,
  windowS: number,
  log: (line: string) => void,
): Promise<Window> {
  const { simulator } = setting
  const some = simulator.share(0.2)
  await simulator.behave(some, { fault: 'cut' })
  await delay(settleS * 1000)
  const window = await measureWindow(setting, windowS)
  log(`a fifth cut off: ${describe(window)}`)
  await simulator.behave(some, {})
  return window
}

function floorOf(
  { namespace, simulator }: SimulatedSetting,
  identity: ReturnType<typeof makeIdentity>,
  { agents, minMs, maxMs }: Step,
  windowS: number,
): Promise<Floor> {
  return measureFloor({
    namespace,
    core: CORES.server,
    agents: simulator.agents.slice(0, agents),
    identity,
    minMs,
    maxMs,
    connectMs: Math.min(CONNECT_MS, maxMs),
    windowMs: windowS * 1000,
  })
}
