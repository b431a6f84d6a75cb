/** When to try again what failed, and when to give it up. */
export interface RetryPolicy {
  /** Milliseconds to wait after the first failure. */
  firstMs: number
  /** Each wait is this many times the one before. */
  factor: number
  maxMs: number
  /** The share of a wait that is random: at 0.5 it takes between half of itself and all of it. */
  jitter: number
  /** Tries after the first one. */
  maxRetries: number
  /** Milliseconds from the first failure, after which the next one is the last. */
  giveUpAfterMs: number
}

const FOR_EVER = { maxRetries: Number.POSITIVE_INFINITY, giveUpAfterMs: Number.POSITIVE_INFINITY }
const MINUTE_MS = 60_000
/** 1, 2 and 4 s apart, as is promised of calls to agents: without jitter it is known when the last try ends. */
const CALL = { ...FOR_EVER, firstMs: 1000, factor: 2, maxMs: 4000, jitter: 0, maxRetries: 3 }

/** Every rule for trying again. A rule of its own is an entry here, and never a formula elsewhere. */
export const RETRY_POLICIES = {
  /** A call to an agent. */
  rpc: CALL,
  /** A heartbeat, which is a call. Agents are called at random times, which is jitter enough. */
  heartbeat: CALL,
  /** A command whose agent is silent. Its own limits say when it is lost. */
  command: { ...FOR_EVER, firstMs: 1000, factor: 1.25, maxMs: 30_000, jitter: 0.2 },
  /** A transfer to a host that is away. */
  transfer: {
    ...FOR_EVER,
    firstMs: 5000,
    factor: 1,
    maxMs: 5000,
    jitter: 0.2,
    giveUpAfterMs: 60 * MINUTE_MS,
  },
  /** A step of a rotation. */
  rotation: { ...FOR_EVER, firstMs: 1000, factor: 2, maxMs: MINUTE_MS, jitter: 0.2 },
  /** A step of an instance on its host. What still fails after some five minutes needs a person, or another host. */
  instance: { ...FOR_EVER, firstMs: 2000, factor: 3, maxMs: MINUTE_MS, jitter: 0.2, maxRetries: 7 },
  /** Bringing an image to a host that keeps it as a spare copy. */
  spare: { ...FOR_EVER, firstMs: 10_000, factor: 3, maxMs: 30 * MINUTE_MS, jitter: 0.2 },
  /** Asking a host how its instances are. Whether it is there its heartbeats find out. */
  instanceReport: { ...FOR_EVER, firstMs: 1000, factor: 2, maxMs: 30_000, jitter: 0.5 },
  /** Installing an agent again after the installation before did not help. */
  reinstall: { ...FOR_EVER, firstMs: 10 * MINUTE_MS, factor: 2, maxMs: 1440 * MINUTE_MS, jitter: 0.1 },
  /** Looking for SSH on a host whose agent is silent. */
  reinstallProbe: { ...FOR_EVER, firstMs: 5 * MINUTE_MS, factor: 1, maxMs: 5 * MINUTE_MS, jitter: 0.1 },
  /** A request to a registry of images. */
  registry: { ...FOR_EVER, firstMs: 1000, factor: 2, maxMs: 15_000, jitter: 0.5, maxRetries: 4 },
  /** A question to a registry that somebody waits for. */
  registryQuestion: { ...FOR_EVER, firstMs: 1000, factor: 1, maxMs: 1000, jitter: 0, maxRetries: 0 },
  /** The server's connection for notifications of the database. */
  listen: { ...FOR_EVER, firstMs: 500, factor: 2, maxMs: 30_000, jitter: 0.5 },
  /** The database while the server starts: half a minute, in which it may be restarted. */
  database: { ...FOR_EVER, firstMs: 1000, factor: 1, maxMs: 1000, jitter: 0, maxRetries: 30 },
  /** Requests and streams of the command line. The caller says for how long. */
  cli: { ...FOR_EVER, firstMs: 250, factor: 2, maxMs: 5000, jitter: 0.5 },
  /** The browser's live connection. */
  webLive: { ...FOR_EVER, firstMs: 300, factor: 2, maxMs: 15_000, jitter: 0.5 },
  /** Input typed into the browser's terminal. */
  terminalInput: { ...FOR_EVER, firstMs: 700, factor: 1, maxMs: 700, jitter: 0.2, maxRetries: 59 },
  /** A page of output that the browser reads. */
  webOutput: { ...FOR_EVER, firstMs: 1000, factor: 2, maxMs: 30_000, jitter: 0.2 },
  /** Not a retry but a lock: how long an account is closed after one wrong answer too many. */
  signInLock: { ...FOR_EVER, firstMs: 30_000, factor: 2, maxMs: 15 * MINUTE_MS, jitter: 0 },
  /** A scan of containers that an agent's runner does not answer. */
  containerScan: { ...FOR_EVER, firstMs: 20_000, factor: 2, maxMs: 5 * MINUTE_MS, jitter: 0 },
  /** An end or a result that a host's faulty disk does not take. */
  hostDisk: { ...FOR_EVER, firstMs: 1000, factor: 1, maxMs: 1000, jitter: 0 },
  /** A transfer's files in the spool of a host whose disk is faulty. */
  transferSpool: { ...FOR_EVER, firstMs: 200, factor: 1, maxMs: 200, jitter: 0 },
} as const satisfies Record<string, RetryPolicy>

/** The failures so far. */
export interface Failures {
  /** Failures in a row, the latest included; at least 1. */
  count: number
  /** When the first of them was. */
  since: Date
}

export type RetryDecision = { do: 'retry'; at: Date } | { do: 'give_up' }

/** Returns when to try again after `failures`, or that it is to be given up. Pure; `random` is from 0 to 1. */
export function nextRetry(policy: RetryPolicy, failures: Failures, now: Date, random: number): RetryDecision {
  const failingMs = now.getTime() - failures.since.getTime()
  if (failures.count > policy.maxRetries || failingMs >= policy.giveUpAfterMs) return { do: 'give_up' }
  return { do: 'retry', at: retryAt(policy, failures.count, now, random) }
}

/** Returns when to try again after `count` failures in a row, by a policy that never gives up. */
export function retryAt(policy: RetryPolicy, count: number, now: Date, random: number): Date {
  return new Date(now.getTime() + retryDelayMs(policy, count, random))
}

/** Returns the milliseconds to wait after `count` failures in a row, of which there is at least 1; `random` is from 0 to 1. */
export function retryDelayMs(policy: RetryPolicy, count: number, random: number): number {
  const fullMs = Math.min(policy.maxMs, policy.firstMs * policy.factor ** Math.max(0, count - 1))
  return fullMs * (1 - policy.jitter * (1 - random))
}

/** Returns how many failures in a row a policy has made of `failingMs`: for what stores since when it fails, and no count. At least 1. */
export function failuresWithin({ firstMs, factor }: RetryPolicy, failingMs: number): number {
  const waits = Math.max(0, failingMs) / firstMs
  return 1 + (factor === 1 ? waits : Math.log1p(waits * (factor - 1)) / Math.log(factor))
}
