import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { AgentsService } from '../agents/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { attemptTimeoutMs, beginRound, decideAttempt } from './domain/decide-attempt.ts'
import { clockOffset, type Report, toReport } from './domain/report.ts'
import type { FailedAttempt, HeartbeatTarget, Observation } from './domain/roll.ts'
import { HeartbeatMetrics } from './heartbeat-metrics.ts'

export interface Round {
  seen: Observation
  /** The host's report, if it answered. */
  report?: Report & { roundTripMs: number; clockOffsetMs: number }
}

const HEARTBEAT_CALLS = [
  { method: 'heartbeat', params: {} },
  { method: 'get_status', params: {} },
] as const

/** Calls one agent: `heartbeat` and `get_status` in one request, with retries. */
@Injectable()
export class HeartbeatCaller {
  constructor(
    private readonly agents: AgentsService,
    private readonly clock: Clock,
    private readonly metrics: HeartbeatMetrics,
  ) {}

  /** Returns what was seen, or null when the host left the fleet. Throws when `signal` fires, and our defects. */
  async call(target: HeartbeatTarget, signal: AbortSignal): Promise<Round | null> {
    let round = beginRound(target, this.clock.now().getTime())
    const attempts: FailedAttempt[] = []
    for (;;) {
      const at = this.clock.now()
      const timeoutMs = attemptTimeoutMs(round, at.getTime())
      try {
        return await this.attempt(target, timeoutMs, signal)
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof RollcallError)) throw error
        if (error.code === 'host.not_found') return null
        this.metrics.failed(error.code)
        const now = this.clock.now()
        if (error.code !== 'agent.unreachable')
          return { seen: { kind: 'refused', at: now, code: error.code, reason: error.message } }
        attempts.push({ at, reason: error.message })
        const attempt = { count: attempts.length, startedMs: at.getTime(), timeoutMs }
        const next = decideAttempt(round, attempt, now.getTime())
        if (next.do === 'give_up') return { seen: { kind: 'silent', at: now, attempts } }
        round = next.round
        await this.clock.sleep(next.waitMs, signal)
        this.metrics.retries.inc()
      }
    }
  }

  private async attempt(target: HeartbeatTarget, timeoutMs: number, signal: AbortSignal): Promise<Round> {
    this.metrics.calls.inc()
    const sentMs = this.clock.now().getTime()
    const [beat, status] = await this.agents.batch(target.hostId, HEARTBEAT_CALLS, {
      connection: { expected: target.address },
      timeoutMs,
      signal,
    })
    if (beat instanceof RollcallError) throw beat
    if (status instanceof RollcallError) throw status
    const at = this.clock.now()
    const roundTripMs = Math.max(0, at.getTime() - sentMs)
    this.metrics.latency.observe(roundTripMs / 1000)
    const report = toReport(status)
    const { cpuPercent, memoryPercent } = report.vitals
    return {
      seen: { kind: 'answered', at, cpuPercent, memoryPercent },
      report: { ...report, roundTripMs, clockOffsetMs: clockOffset(beat.time_ms, sentMs, at.getTime()) },
    }
  }
}
