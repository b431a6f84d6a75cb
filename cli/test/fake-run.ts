import {
  isFinalState,
  matchesLabels,
  type NewRun,
  type OutcomeGroup,
  parseSelector,
  type RunCommand,
  type RunCounts,
  type RunView,
  type SkippedHost,
} from '@rollcall/contracts/admin'
import type { FakeCommand } from './fake-command.ts'

/** A run as the fake server knows it: what was asked for, and its commands. */
export class FakeRun {
  readonly id: string
  readonly request: Partial<NewRun>
  readonly commands: FakeCommand[]
  readonly skipped: SkippedHost[]
  private readonly createdAt = new Date().toISOString()
  isCancelled = false

  constructor(id: string, request: Partial<NewRun>, commands: FakeCommand[], skipped: SkippedHost[]) {
    this.id = id
    this.request = request
    this.commands = commands
    this.skipped = skipped
  }

  get isFinal(): boolean {
    return this.commands.every((command) => command.isFinal)
  }

  cancel(): void {
    this.isCancelled = true
    for (const command of this.commands) command.cancel()
  }

  get counts(): RunCounts {
    const counts = {
      held: 0,
      pending: 0,
      running: 0,
      success: 0,
      failed: 0,
      timed_out: 0,
      cancelled: 0,
      lost: 0,
    }
    for (const { view } of this.commands) counts[view.isHeld ? 'held' : view.state]++
    return counts
  }

  get view(): RunView {
    const [first] = this.commands
    const { labels, all, limits } = this.request
    return {
      id: this.id,
      program: first?.view.program ?? '',
      args: first?.view.args ?? [],
      cwd: '/',
      timeoutMs: first?.view.timeoutMs ?? 0,
      target: { by: labels ? 'labels' : all ? 'all' : 'hosts', labels: labels ?? [] },
      limits: limits ?? null,
      playbook: null,
      requestedBy: 'local',
      savedCommand: null,
      schedule: null,
      createdAt: this.createdAt,
      endedAt: this.isFinal ? new Date().toISOString() : null,
      cancelRequested: this.isCancelled,
      stoppedAt: null,
      total: this.commands.length,
      counts: this.counts,
      skipped: this.skipped,
    }
  }

  static briefOf({ view }: FakeCommand): RunCommand {
    const { id, host, state, isHeld, exitCode, signal, reasonCode, reason } = view
    return { id, host: host.name, state, isHeld, exitCode, signal, reasonCode, reason }
  }

  /** As the server does it, with samples of at most `sampleBytes`. */
  groups(sampleBytes: number): OutcomeGroup[] {
    const alike = Map.groupBy(this.commands, (command) => {
      const { state, isHeld, exitCode, signal, reasonCode } = command.view
      const bytes = (stream: string) =>
        command.chunks.flatMap((chunk) =>
          chunk.stream === stream ? [Buffer.from(chunk.data, 'base64')] : [],
        )
      const output = isFinalState(state)
        ? [bytes('stdout'), bytes('stderr')].map((all) => Buffer.concat(all))
        : []
      return JSON.stringify([state, isHeld, exitCode, signal, reasonCode, output])
    })
    return [...alike.values()]
      .toSorted((a, b) => b.length - a.length)
      .flatMap((commands) => {
        const [first] = commands
        if (!first) return []
        const { host: _, ...brief } = FakeRun.briefOf(first)
        const { id: commandId, ...rest } = brief
        let left = sampleBytes
        const sample = first.chunks.flatMap((chunk) => {
          const data = Buffer.from(chunk.data, 'base64').subarray(0, left)
          left -= data.length
          return data.length > 0 ? [{ ...chunk, data: data.toString('base64') }] : []
        })
        return [
          {
            ...rest,
            commandId,
            hosts: commands.map(({ view }) => view.host.name).toSorted(),
            outputBytes: first.view.outputBytes,
            droppedBytes: 0,
            isComparedWhole: true,
            sample: first.isFinal ? sample : [],
            isSampleWhole: first.view.outputBytes <= sampleBytes,
          },
        ]
      })
  }
}

/** Tells whether a host's labels match all selectors, which the contract has parsed. */
export const fits = (selectors: readonly string[], labels: Record<string, string>) =>
  selectors.every((selector) => {
    const terms = parseSelector(selector)
    return typeof terms !== 'string' && matchesLabels(terms, labels)
  })
