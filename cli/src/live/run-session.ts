import type { CommandView, RunAccepted, RunCommand, RunCounts } from '@rollcall/contracts/admin'
import { isFinalState } from '@rollcall/contracts/admin/commands/schemas'
import { ApiError } from '@rollcall/contracts/client'
import { retrying } from '../api/retry.ts'
import type { Context } from '../context.ts'
import { InterruptedError, isExplained } from '../errors.ts'
import { CommandInput, forward } from '../input/command-input.ts'
import { type Interrupts, watchInterrupts } from '../input/interrupts.ts'
import { TerminalSession } from '../input/terminal-session.ts'
import { toExitCode } from '../output/exit-code.ts'
import { formatElapsed, formatEnding, formatExit, formatHostCount } from '../output/format-command.ts'
import { jsonLine } from '../output/json.ts'
import { jsonPrinter, LinePrinter, type Printer, rawPrinter } from '../output/printer.ts'
import { ProgressLine } from '../output/progress.ts'
import { printReport, reportSkipped } from '../output/run-report.ts'
import { table } from '../output/table.ts'
import { followCommands } from './follow-commands.ts'
import { followRun } from './follow-run.ts'
import { giveUpAfterMs } from './give-up.ts'

const MAX_HINTS = 5
/** For up to this many hosts output is streamed by default; for more it is grouped. */
export const STREAMED_HOSTS = 10

export const OUTPUT_MODES = ['stream', 'group', 'none'] as const

export interface ShowOptions {
  tty?: boolean
  stdin?: boolean
  /** True if lines are prefixed with their host's name, for several hosts. */
  prefix: boolean
  output?: (typeof OUTPUT_MODES)[number]
  json?: boolean
}

/** One run that is being watched: its output, its input, Ctrl-C and its outcome. */
export class RunSession {
  private readonly context: Context
  private readonly options: ShowOptions
  private readonly interrupts: Interrupts
  private readonly giveUpAfterMs: number
  private readonly progress: ProgressLine
  private runId: string | undefined
  private commands: readonly CommandView[] = []
  private readonly inputs = new Map<string, CommandInput>()
  private readonly closed = new Set<string>()
  private terminal: TerminalSession | undefined
  private isCancelling = false

  constructor(context: Context, options: ShowOptions) {
    this.progress = new ProgressLine(context.stderr)
    // Notices get a line of their own, beside the progress.
    const notice = (text: string) => {
      this.progress.clear()
      context.notice(text)
    }
    this.context = { ...context, notice }
    this.options = options
    this.giveUpAfterMs = giveUpAfterMs(context.env)
    this.interrupts = watchInterrupts(() => this.onInterrupt())
  }

  /** Aborted when the person leaves. */
  get leaving(): AbortSignal {
    return this.interrupts.leaving
  }

  /** Shows a run to its end. Returns the exit code. Throws `InterruptedError` if the person leaves. */
  async show({ runId, commands, skipped }: RunAccepted): Promise<number> {
    const { context, options } = this
    this.runId = runId
    this.commands = commands
    if (options.json) context.stdout.write(jsonLine({ type: 'accepted', runId, commands, skipped }))
    else reportSkipped(context, skipped)
    if (this.isCancelling) void this.cancel(runId)
    this.openInputs()
    const mode = options.output ?? (commands.length > STREAMED_HOSTS ? 'group' : 'stream')
    try {
      return mode === 'stream' ? await this.showStream() : await this.showOutcome(runId, mode === 'group')
    } catch (error) {
      this.terminal?.stop()
      this.progress.clear()
      if (error instanceof InterruptedError || isExplained(error)) this.hint(runId, mode === 'stream')
      throw error
    }
  }

  /** Shows every byte as it arrives, and finally how each command ended. */
  private async showStream(): Promise<number> {
    const { context, commands } = this
    const endings = await followCommands({
      context,
      commands: commands.map(({ id, host }) => ({ id, host: host.name })),
      printer: this.printer(),
      signal: this.leaving,
      onChange: (command) => this.onChange(command),
    })
    const ended = commands.map(({ id, host }) => {
      const ending = endings.get(id)
      if (!(ending instanceof ApiError)) return ending
      return void context.notice(`${host.name}: ${ending.message} (${ending.code})`)
    })
    if (!this.options.json) this.conclude(ended.flatMap((command) => command ?? []))
    return toExitCode(ended)
  }

  /** Shows counts by state, and finally hosts with the same outcome together; with their outputs if `withOutput`. */
  private async showOutcome(runId: string, withOutput: boolean): Promise<number> {
    const { context, options, leaving } = this
    const { find, notice } = context
    const ended = new Map<string, RunCommand>()
    const onProgress = (counts: RunCounts, changed: readonly RunCommand[]) => {
      if (options.json) context.stdout.write(jsonLine({ type: 'run', counts, commands: changed }))
      else this.progress.show(counts)
      for (const command of changed) {
        if (isFinalState(command.state)) ended.set(command.id, command)
        this.onChange(command)
      }
    }
    const settings = { find, notice, giveUpAfterMs: this.giveUpAfterMs, signal: leaving }
    const run = await followRun(runId, onProgress, settings)
    const summary = await this.retry(() => context.api.call('summarizeRun', { params: { id: runId } }))
    this.progress.clear()
    if (options.json) {
      context.stdout.write(jsonLine({ type: 'run-end', run }))
      context.stdout.write(jsonLine({ type: 'summary', groups: summary.groups }))
    } else await printReport(context, summary, { withOutput })
    return toExitCode(this.commands.map(({ id }) => ended.get(id)))
  }

  private printer(): Printer {
    const { context, options, commands } = this
    if (options.json) return jsonPrinter(context)
    if (commands.length === 1) return rawPrinter(context)
    return new LinePrinter(context, options.prefix ? commands.map(({ host }) => host.name) : [])
  }

  /** Gives the terminal to one command with --tty, or passes standard input on with --stdin. */
  private openInputs(): void {
    const { context, options, commands } = this
    const isInteractive = options.tty === true && commands.length === 1 && context.stdin.isTTY === true
    if (!isInteractive && !options.stdin) return
    for (const { id, host } of commands) {
      const onFailure = (error: unknown) =>
        context.notice(`input to ${host.name} has stopped: ${(error as Error).message}`)
      const input = new CommandInput(id, {
        api: context.api,
        giveUpAfterMs: this.giveUpAfterMs,
        onFailure,
      })
      this.inputs.set(id, input)
      if (isInteractive) this.terminal = new TerminalSession(context, id, input, this.interrupts.leave)
    }
    if (!isInteractive)
      forward(context.stdin, [...this.inputs.values()]).catch((error) =>
        context.notice(`standard input cannot be read: ${error.message}`),
      )
  }

  private onChange({ id, state }: Pick<CommandView, 'id' | 'state'>): void {
    if (isFinalState(state)) {
      this.closed.add(id)
      this.inputs.get(id)?.close()
      this.terminal?.stop()
    } else if (state === 'running') {
      this.inputs.get(id)?.start()
      if (this.terminal?.isStarted === false) this.terminal.start()
    }
  }

  private onInterrupt(): void {
    this.isCancelling = true
    if (this.runId === undefined) {
      this.context.notice(
        'it will be cancelled as soon as the server has answered; Ctrl-C again exits at once',
      )
      return
    }
    this.context.notice(
      `cancelling on ${formatHostCount(this.open().length)}; Ctrl-C again exits without waiting`,
    )
    void this.cancel(this.runId)
  }

  private async cancel(id: string): Promise<void> {
    const { context, leaving } = this
    await this.retry(() => context.api.call('cancelRun', { params: { id } })).catch((error) => {
      if (!leaving.aborted) context.notice(`the run could not be cancelled: ${(error as Error).message}`)
    })
  }

  private retry<T>(request: () => Promise<T>): Promise<T> {
    return retrying(request, { forMs: this.giveUpAfterMs, signal: this.leaving })
  }

  private open(): CommandView[] {
    return this.commands.filter(({ id }) => !this.closed.has(id))
  }

  private hint(runId: string, isStreamed: boolean): void {
    const open = this.open()
    if (open.length === 0) return
    const hints = open
      .slice(0, MAX_HINTS)
      .map(({ id, host }) => `  rollcall command log ${id} --follow   # ${host.name}`)
    if (open.length > MAX_HINTS || !isStreamed)
      hints.splice(isStreamed ? MAX_HINTS : 0, MAX_HINTS, `  rollcall runs show ${runId}   # all of them`)
    const progress = this.isCancelling ? 'is being cancelled' : 'continues'
    this.context.notice(
      open.length === 1
        ? `the command ${progress}. Follow it with:`
        : `${open.length} commands: each ${progress}. Follow them with:`,
    )
    for (const line of hints) this.context.notice(line)
  }

  /** Reports what the output alone does not say: how each command ended, or, for one host, why. */
  private conclude(ended: readonly CommandView[]): void {
    const { context } = this
    if (this.commands.length > 1) {
      const rows = ended.map((command) => [
        command.host.name,
        command.state,
        formatExit(command),
        formatElapsed(command),
        formatEnding(command) ?? '',
      ])
      context.stderr.write(`\n${table(['HOST', 'STATE', 'EXIT', 'TOOK', ''], rows)}`)
    } else
      for (const command of ended)
        if (formatEnding(command)) context.notice(`${command.host.name}: ${formatEnding(command)}`)
    for (const { host, droppedBytes } of ended)
      if (droppedBytes > 0) context.notice(`${host.name}: ${droppedBytes} bytes of output were dropped`)
  }
}
