import { pick, randomOf } from '../random.ts'
import type { DesiredService } from './desired-fleet.ts'
import { OPERATIONS, type Operation, withOperation } from './operations.ts'

/** Each deck of so many strikes has each of these, in an order of its own. */
export const DECK = [
  'server',
  'database',
  'power',
  'agent',
  'agent',
  'runner',
  'runner',
  'warden',
  'warden',
  'conmon',
  'conmon',
  'conmon',
] as const
export type Victim = (typeof DECK)[number]

export interface Strike {
  atMs: number
  victim: Victim
  /** The number of the host, for what is on one. */
  host: number
  /** From 0 to 1: chooses among what there is at that moment. */
  choice: number
}

export interface ScheduledOperation {
  atMs: number
  operation: Operation
}

const FIRST_STRIKE_MS = 5000
const MIN_PAUSE_MS = 2000
const MAX_PAUSE_MS = 10_000
/** Services are changed in this part of the run; before it they come up for the first time. */
const OPERATIONS_FROM = 0.35
/** The generators of strikes and operations differ, so that another count of one leaves the other as it is. */
const OPERATIONS_SEED = 0x5eed

/** Plans when which strike comes. Pure: the same seed and counts give the same strikes. */
export function scheduleStrikes(seed: number, count: number, hosts: number): Strike[] {
  const random = randomOf(seed)
  const strikes: Strike[] = []
  let atMs = FIRST_STRIKE_MS
  let deck: Victim[] = []
  while (strikes.length < count) {
    if (deck.length === 0) deck = shuffle(DECK, random)
    const victim = deck.pop() as Victim
    strikes.push({ atMs, victim, host: Math.floor(random() * hosts), choice: random() })
    atMs += Math.round(MIN_PAUSE_MS + random() * (MAX_PAUSE_MS - MIN_PAUSE_MS))
  }
  return strikes
}

/** Plans which operations come within `untilMs`, each one that makes sense after those before it. Pure. */
export function scheduleOperations(
  seed: number,
  count: number,
  fleet: readonly DesiredService[],
  untilMs: number,
): ScheduledOperation[] {
  const random = randomOf(seed ^ OPERATIONS_SEED)
  const planned: ScheduledOperation[] = []
  const fromMs = untilMs * OPERATIONS_FROM
  let services = fleet
  for (let number = 0; number < count; number++) {
    const candidates = OPERATIONS.map((toOperation) => toOperation(services, random)).filter(
      (operation) => operation !== null,
    )
    const operation = pick(candidates, random)
    services = withOperation(services, operation)
    planned.push({ atMs: Math.round(fromMs + ((untilMs - fromMs) * number) / count), operation })
  }
  return planned
}

function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const shuffled = [...items]
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const moved = shuffled[last] as T
    shuffled[last] = shuffled[other] as T
    shuffled[other] = moved
  }
  return shuffled
}
