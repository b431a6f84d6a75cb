import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { AgentsService } from '../agents/index.ts'
import type { AgentAddress } from '../platform/agent-client/agent-address.ts'
import { RETRY_WAITS_MS } from '../platform/agent-client/call-with-retries.ts'
import { Clock } from '../platform/clock/clock.ts'
import { clockOffset, type Report, toReport } from './domain/report.ts'
import type { FailedAttempt, Observation, RollView } from './domain/roll.ts'
import { HeartbeatMetrics } from './heartbeat-metrics.ts'

/** The contract's own limit for one attempt. */
const ATTEMPT_MS = 30_000
const MIN_ATTEMPT_MS = 1000
/** A timer that fires so much too late means that we stood still, and not the host. */
const STALLED_AFTER_MS = 1500

export interface Called extends RollView {
  hostId: string
  maxMs: number
  offlineAfterMs: number | null
  address: Pick<AgentAddress, 'host' | 'port' | 'certificatePin'>
}

export interface Round {
  seen: Observation
  /** What the host said of itself, when it answered. */
  report?: Report & { roundTripMs: number; clockOffsetMs: number }
}

const ROLL_CALL = [
  { method: 'heartbeat', params: {} },
  { method: 'get_status', params: {} },
] as const

/** Calls one agent: `heartbeat` and `get_status` in one request, with retries. */
@Injectable()
export class RollCaller {
  constructor(
    private readonly agents: AgentsService,
    private readonly clock: Clock,
    private readonly metrics: HeartbeatMetrics,
  ) {}

  /** Resolves with what was seen, or null when the host left the fleet. Rejects when `signal` fires, and with our defects. */
  async call(agent: Called, signal: AbortSignal): Promise<Round | null> {
    const start = this.clock.now().getTime()
    // One that is known to be offline needs no retries to be found offline.
    const waits = agent.state === 'offline' ? [] : RETRY_WAITS_MS
    let deadline = agent.offlineAfterMs === null ? Number.POSITIVE_INFINITY : offlineAt(agent, start)
    const attempts: FailedAttempt[] = []
    for (;;) {
      const at = this.clock.now()
      const timeoutMs = attemptTimeout(deadline - at.getTime())
      try {
        return await this.attempt(agent, timeoutMs, signal)
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof RollcallError)) throw error
        if (error.code === 'host.not_found') return null
        this.metrics.failed(error.code)
        const now = this.clock.now()
        if (error.code !== 'agent.unreachable')
          return { seen: { kind: 'refused', at: now, code: error.code, reason: error.message } }
        const stalledMs = now.getTime() - at.getTime() - timeoutMs
        if (stalledMs > STALLED_AFTER_MS) deadline += stalledMs
        attempts.push({ at, reason: error.message })
        const wait = waits[attempts.length - 1]
        if (wait === undefined || now.getTime() + wait >= deadline)
          return { seen: { kind: 'silent', at: now, attempts } }
        await this.clock.sleep(wait, signal)
        this.metrics.retries.inc()
      }
    }
  }

  private async attempt(agent: Called, timeoutMs: number, signal: AbortSignal): Promise<Round> {
    this.metrics.calls.inc()
    const asked = this.clock.now().getTime()
    const [beat, status] = await this.agents.callEachOnce(agent.hostId, agent.address, ROLL_CALL, {
      timeoutMs,
      signal,
    })
    if (beat instanceof RollcallError) throw beat
    if (status instanceof RollcallError) throw status
    const at = this.clock.now()
    const roundTripMs = Math.max(0, at.getTime() - asked)
    this.metrics.latency.observe(roundTripMs / 1000)
    const report = toReport(status)
    const { cpuPercent, memoryPercent } = report.vitals
    return {
      seen: { kind: 'answered', at, cpuPercent, memoryPercent },
      report: { ...report, roundTripMs, clockOffsetMs: clockOffset(beat.time_ms, asked, at.getTime()) },
    }
  }
}

/**
 * When a host of a profile with a window counts as offline: so long after its last answer. A host that we did not call
 * for longer than its rhythm, because we were down, gets the whole window from now on.
 */
function offlineAt(agent: Called, start: number): number {
  const last = agent.lastAnswerAt?.getTime() ?? 0
  const isInRhythm = start - last <= agent.maxMs + MIN_ATTEMPT_MS
  return (isInRhythm ? last : start) + (agent.offlineAfterMs ?? 0)
}

/** Half of what is left where time is short, so that one lost packet does not use up all of it. */
function attemptTimeout(leftMs: number): number {
  return Math.min(ATTEMPT_MS, Math.max(MIN_ATTEMPT_MS, leftMs / 2))
}
