import { setTimeout as delay } from 'node:timers/promises'
import type { Fleet } from '../../fleet/fleet.ts'
import { insist } from '../strike.ts'
import { type DesiredService, toDesiredFleet, toReference } from './desired-fleet.ts'
import { inspectHost } from './inspect-host.ts'
import { judgeFleet, judgeServices } from './judge-fleet.ts'
import { Operator } from './operator.ts'
import { readPages } from './pages.ts'
import { Sampler } from './sampler.ts'
import { scheduleOperations, scheduleStrikes, type Victim } from './schedule.ts'
import { listServices, settle } from './settle.ts'
import { Striker } from './striker.ts'
import type { Violation } from './violation.ts'

const SETTLE_MS = 240_000
/** A difference that stays for so long after all has settled is none of news on its way. */
const JUDGE_MS = 45_000
const JUDGE_PAUSE_MS = 3000
const INSTANCES_PER_OPERATION = 8

export interface ServicesChaosPlan {
  seed: number
  instances: number
  strikes: number
}

export interface ServicesChaosResult {
  /** How many are wanted at the end. */
  instances: number
  strikes: Partial<Record<Victim, number>>
  operations: number
  /** How often a host was compared with what the server said. */
  samples: number
  /** Programs of containers that began, by the ledger. */
  begun: number
  /** Services that were not as wanted after the strikes, with the reasons given. A start by hand has set them going. */
  reasons: string[]
  violations: Violation[]
  seconds: number
}

type Log = (line: string) => void

/**
 * Runs services on a fleet while all that carries them is killed, and compares all the time what the server says with what the hosts have.
 * Returns at the first violation, or when all has settled.
 */
export async function runServicesChaos(
  fleet: Fleet,
  ledgerFolder: string,
  plan: ServicesChaosPlan,
  log: Log,
): Promise<ServicesChaosResult> {
  const operator = new Operator(fleet.api, toDesiredFleet(plan.instances))
  for (const project of new Set(operator.desired.map((one) => one.project)))
    await operator.applyFirst(project)
  const started = performance.now()
  const elapsedMs = () => performance.now() - started
  const say: Log = (line) => log(`${(elapsedMs() / 1000).toFixed(1).padStart(6)} s  ${line}`)
  const sampler = new Sampler(fleet.hosts, fleet.api, ledgerFolder)
  const striker = new Striker(fleet, say)
  const stop = new AbortController()
  const sampling = sampler.run(stop.signal)
  // A sampler that fails is thrown below, not in the middle.
  sampling.catch(() => undefined)
  const isOver = () => sampler.violations.length > 0
  let [operations, reasons]: [number, string[]] = [0, []]
  try {
    operations = await disturb(plan, fleet.hosts.length, { operator, striker, elapsedMs, isOver, say })
    if (!isOver()) reasons = await mend(fleet, operator, say)
  } finally {
    stop.abort()
    await sampling
  }
  const violations = isOver() ? sampler.violations : await judge(fleet, operator.desired)
  const begun = (await sampler.entries()).filter(({ event }) => event === 'begin').length
  // A run that has seen nothing proves nothing.
  if (violations.length === 0 && (sampler.samples < fleet.hosts.length || begun < plan.instances / 2))
    throw new Error(`only ${sampler.samples} samples were taken, and ${begun} programs are in the ledger`)
  return {
    instances: operator.desired.reduce((sum, one) => sum + (one.wanted === 'gone' ? 0 : one.replicas), 0),
    strikes: striker.counts,
    operations,
    samples: sampler.samples,
    begun,
    reasons,
    violations,
    seconds: Math.round(elapsedMs() / 1000),
  }
}

interface Actors {
  operator: Operator
  striker: Striker
  elapsedMs: () => number
  /** A violation was found. */
  isOver: () => boolean
  say: Log
}

/** Strikes and operates as the seed says. Returns how many operations were carried out. */
async function disturb(plan: ServicesChaosPlan, hosts: number, actors: Actors): Promise<number> {
  const { operator, striker, elapsedMs, isOver, say } = actors
  const { seed, instances } = plan
  const strikes = scheduleStrikes(seed, plan.strikes, hosts)
  const count = Math.ceil(instances / INSTANCES_PER_OPERATION)
  const operations = scheduleOperations(seed, count, operator.desired, strikes.at(-1)?.atMs ?? 0)
  const inTurn = async <T extends { atMs: number }>(events: readonly T[], act: (event: T) => unknown) => {
    for (const [number, event] of events.entries()) {
      await delay(Math.max(0, event.atMs - elapsedMs()))
      if (isOver()) return number
      await act(event)
    }
    return events.length
  }
  const [done] = await Promise.all([
    inTurn(operations, ({ operation }) => {
      say(`operation ${JSON.stringify(operation)}`)
      return operator.carryOut(operation)
    }),
    inTurn(strikes, (strike) => striker.begin(strike)),
  ])
  await striker.ended()
  say('the last strike and the last operation are over')
  return done
}

/** Waits until all is as wanted, and starts by hand what has stopped for a reason that was given. Returns those reasons. */
async function mend({ api }: Fleet, operator: Operator, say: Log): Promise<string[]> {
  const shown = await settle(api, operator.desired, SETTLE_MS)
  const given: string[] = []
  for (const service of operator.desired.filter((one) => judgeServices([one], shown).length > 0)) {
    const found = shown.find((one) => toReference(one.service) === toReference(service))
    const reasons = [found?.service.reason, ...(found?.instances.map(({ reason }) => reason) ?? [])]
    const reason = reasons.find((text) => text)
    // Without a reason a person would not know that there is something to do: it is judged as it is.
    if (!reason || service.wanted === 'gone') continue
    given.push(`${toReference(service)} is ${found?.service.state}: ${reason}`)
    say(`by hand: ${given.at(-1)}`)
    await operator.operate(service, service.wanted === 'stopped' ? 'stop' : 'start')
  }
  if (given.length > 0) await settle(api, operator.desired, SETTLE_MS)
  say('all has settled')
  return given
}

/** Compares all of a fleet at rest. Returns the differences that stay. */
async function judge(fleet: Fleet, desired: readonly DesiredService[]): Promise<Violation[]> {
  const deadline = performance.now() + JUDGE_MS
  for (;;) {
    const inspections = fleet.hosts.map(async (host) => [host.name, await inspectHost(host)] as const)
    const hosts = new Map(await Promise.all(inspections))
    const shown = await insist(() => listServices(fleet.api))
    const pages = await readPages(fleet.hosts, shown, desired)
    const violations = [...judgeFleet({ desired, shown, hosts }), ...pages]
    if (violations.length === 0 || performance.now() > deadline) return violations
    await delay(JUDGE_PAUSE_MS)
  }
}
