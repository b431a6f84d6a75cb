import type { ErrorCode } from '@rollcall/contracts'
import type { CalledState, Decision, FailedAttempt, Observation, RollView } from './roll.ts'

/** Above this share in use, CPU or memory counts as hot. */
export const HOT_PERCENT = 90
/** How long a host must be hot before it counts as degraded: a short peak is work being done. */
export const HOT_WINDOW_MS = 180_000
/** Commands that have to fail in a row before their host counts as degraded. */
export const FAILED_TASKS = 3
/** For how long failed commands are held against a host that was given no other since. */
export const FAILED_TASKS_WINDOW_MS = 3_600_000

/** Decides an agent's state after a round. Pure. The caller commits it, if it still holds the agent and that is still in `view.state`. */
export function decide(view: RollView, seen: Observation): Decision {
  if (seen.kind === 'answered') return answered(view, seen)
  const failing = {
    lastAnswerAt: view.lastAnswerAt,
    failedRounds: view.failedRounds + 1,
    // What was hot before a silence says nothing about after it.
    hotCpuSince: null,
    hotMemorySince: null,
  }
  if (seen.kind === 'refused')
    return {
      ...failing,
      // It answers, so it is not silent; whatever it is, it is not offline.
      silentSince: null,
      state: stateOfRefusal(seen.code),
      stateCode: seen.code,
      stateReason: seen.reason,
    }
  const silentSince = view.silentSince ?? seen.attempts[0]?.at ?? seen.at
  // An installation that failed explains the silence better than the silence does.
  if (view.state === 'install_failed')
    return { ...failing, silentSince, state: view.state, stateCode: view.stateCode, stateReason: null }
  return {
    ...failing,
    silentSince,
    state: 'offline',
    stateCode: 'agent.unreachable' satisfies ErrorCode,
    stateReason: describeSilence(seen.attempts),
  }
}

function answered(view: RollView, seen: Observation & { kind: 'answered' }): Decision {
  const hotCpuSince = hotSince(view.hotCpuSince, seen.cpuPercent, seen.at)
  const hotMemorySince = hotSince(view.hotMemorySince, seen.memoryPercent, seen.at)
  const trouble = troubleOf(view, { ...seen, hotCpuSince, hotMemorySince })
  return {
    lastAnswerAt: seen.at,
    silentSince: null,
    failedRounds: 0,
    hotCpuSince,
    hotMemorySince,
    state: trouble ? 'degraded' : 'online',
    stateCode: trouble?.code ?? null,
    stateReason: trouble?.reason ?? null,
  }
}

/** An unknown value changes nothing: it is neither hot nor cool. */
function hotSince(since: Date | null, percent: number | null, at: Date): Date | null {
  if (percent === null) return since
  return percent > HOT_PERCENT ? (since ?? at) : null
}

interface Trouble {
  code: ErrorCode
  reason: string
}

function troubleOf(
  view: RollView,
  now: {
    at: Date
    cpuPercent: number | null
    memoryPercent: number
    hotCpuSince: Date | null
    hotMemorySince: Date | null
  },
): Trouble | null {
  const isLong = (since: Date | null) => since !== null && now.at.getTime() - since.getTime() >= HOT_WINDOW_MS
  if (isLong(now.hotCpuSince))
    return {
      code: 'host.cpu_high',
      reason: `The CPU has been above ${HOT_PERCENT} % since ${clockTime(now.hotCpuSince)}${now.cpuPercent === null ? '' : `; it is at ${Math.round(now.cpuPercent)} % now`}.`,
    }
  if (isLong(now.hotMemorySince))
    return {
      code: 'host.memory_high',
      reason: `More than ${HOT_PERCENT} % of the memory has been in use since ${clockTime(now.hotMemorySince)}; it is ${Math.round(now.memoryPercent)} % now.`,
    }
  const isRecent =
    view.failedTaskAt !== null && now.at.getTime() - view.failedTaskAt.getTime() < FAILED_TASKS_WINDOW_MS
  if (view.failedTasks >= FAILED_TASKS && isRecent)
    return {
      code: 'host.tasks_failing',
      reason: `The last ${view.failedTasks} commands failed, the newest at ${clockTime(view.failedTaskAt)}. One that succeeds clears this.`,
    }
  return null
}

function stateOfRefusal(code: string): CalledState {
  if (code === 'agent.credentials_refused') return 'credentials_refused'
  if (code === 'agent.identity_changed') return 'identity_changed'
  // It has the right key and the right token and yet does not answer as it should.
  return 'degraded'
}

/** For example: No answer to 4 calls from 10:00:01 to 10:00:08 UTC: The agent does not answer: ECONNREFUSED. */
export function describeSilence(attempts: readonly FailedAttempt[]): string {
  const [first, last] = [attempts[0], attempts.at(-1)]
  if (!first || !last) return 'No answer.'
  const when =
    attempts.length === 1
      ? `at ${clockTime(first.at)}`
      : `from ${clockTime(first.at, false)} to ${clockTime(last.at)}`
  const reasons = [...new Set(attempts.map(({ reason }) => reason))]
  return `No answer to ${attempts.length} ${attempts.length === 1 ? 'call' : 'calls'} ${when}: ${reasons.join(' ')}`
}

const clockTime = (at: Date | null, hasZone = true) =>
  at ? `${at.toISOString().slice(11, 19)}${hasZone ? ' UTC' : ''}` : 'an unknown time'
