import type { CommandView, RunAccepted } from '@rollcall/contracts/admin'
import { retrying } from '../api/retry.ts'
import type { Context } from '../context.ts'
import { ApiError, CliError, Left } from '../errors.ts'
import { CommandInput, forward } from '../input/command-input.ts'
import { type Interrupts, watchInterrupts } from '../input/interrupts.ts'
import { TerminalSession } from '../input/terminal-session.ts'
import { giveUpAfterMs, watch } from '../live/watch.ts'
import { exitCodeOf } from '../output/exit-code.ts'
import { jsonLine } from '../output/json.ts'
import { JsonPrinter, LinePrinter, type Printer, RawPrinter } from '../output/printer.ts'
import { table } from '../output/table.ts'
import { endingOf, exitOf, took } from '../output/words.ts'

const MAX_HINTS = 5
/** Requests to cancel that are under way at a time. */
const CANCELLING_AT_ONCE = 8

export interface ShowOptions {
  tty?: boolean
  stdin?: boolean
  /** Whether lines carry their host's name, where there are several hosts. */
  prefix: boolean
  json?: boolean
}

/** One run while somebody watches: its output, its input, Ctrl-C, and what it all came to. */
export class RunSession {
  private readonly context: Context
  private readonly options: ShowOptions
  private readonly interrupts: Interrupts
  private readonly giveUpAfterMs: number
  private commands: readonly CommandView[] = []
  private readonly inputs = new Map<string, CommandInput>()
  private readonly ended = new Map<string, CommandView>()
  private terminal: TerminalSession | undefined
  private isCancelling = false

  constructor(context: Context, options: ShowOptions) {
    this.context = context
    this.options = options
    this.giveUpAfterMs = giveUpAfterMs(context.env)
    this.interrupts = watchInterrupts(() => this.onInterrupt())
  }

  /** Aborted when the person leaves. */
  get leaving(): AbortSignal {
    return this.interrupts.leaving
  }

  /** Shows everything to the end. Resolves to the exit code. Throws `Left` when the person left. */
  async show({ runId, commands }: RunAccepted): Promise<number> {
    const { context, leaving } = this
    this.commands = commands
    if (this.options.json) context.stdout.write(jsonLine({ type: 'accepted', runId, commands }))
    if (this.isCancelling) void this.cancelAll()
    this.openInputs()
    try {
      const endings = await watch({
        context,
        commands: commands.map(({ id, host }) => ({ id, host: host.name })),
        printer: this.printer(),
        signal: leaving,
        onChange: (command) => this.onChange(command),
        onEnd: (command) => this.onEnd(command),
      })
      for (const { id, host } of commands) {
        const ending = endings.get(id)
        if (ending instanceof ApiError) context.notice(`${host.name}: ${ending.message} (${ending.code})`)
      }
    } catch (error) {
      this.terminal?.stop()
      if (error instanceof Left || error instanceof CliError) this.hint(runId)
      throw error
    }
    if (!this.options.json) this.conclude()
    return exitCodeOf(commands.map(({ id }) => this.ended.get(id)))
  }

  private printer(): Printer {
    const { context, options, commands } = this
    if (options.json) return new JsonPrinter(context)
    if (commands.length === 1) return new RawPrinter(context)
    return new LinePrinter(context, options.prefix ? commands.map(({ host }) => host.name) : [])
  }

  /** The terminal is handed over to one command with --tty; anything else is passed on with --stdin. */
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

  private onChange({ id, state }: CommandView): void {
    if (state !== 'running') return
    this.inputs.get(id)?.start()
    if (this.terminal?.isStarted === false) this.terminal.start()
  }

  private onEnd(command: CommandView): void {
    this.ended.set(command.id, command)
    this.inputs.get(command.id)?.close()
    this.terminal?.stop()
  }

  private onInterrupt(): void {
    this.isCancelling = true
    if (this.commands.length === 0) {
      this.context.notice('it is cancelled as soon as the server has answered; Ctrl-C again leaves at once')
      return
    }
    const open = this.open().length
    this.context.notice(
      `cancelling on ${open} ${open === 1 ? 'host' : 'hosts'}; Ctrl-C again leaves without waiting`,
    )
    void this.cancelAll()
  }

  private async cancelAll(): Promise<void> {
    const { context, leaving } = this
    const waiting = this.open()
    const cancelNext = async () => {
      for (let next = waiting.pop(); next; next = waiting.pop()) {
        const { id, host } = next
        await retrying(() => context.api.call('cancelCommand', { params: { id } }), {
          forMs: this.giveUpAfterMs,
          signal: leaving,
        }).catch((error) => {
          if (!leaving.aborted)
            context.notice(`the command on ${host.name} could not be cancelled: ${(error as Error).message}`)
        })
      }
    }
    await Promise.all(Array.from({ length: CANCELLING_AT_ONCE }, cancelNext))
  }

  private open(): CommandView[] {
    return this.commands.filter(({ id }) => !this.ended.has(id))
  }

  private hint(runId: string): void {
    const open = this.open()
    if (open.length === 0) return
    const hints = open
      .slice(0, MAX_HINTS)
      .map(({ id, host }) => `  rollcall command log ${id} --follow   # ${host.name}`)
    if (open.length > MAX_HINTS) hints.push(`  rollcall command list --run ${runId}   # all of them`)
    const goesOn = this.isCancelling ? 'was asked to end' : 'goes on'
    this.context.notice(
      open.length === 1
        ? `the command ${goesOn}. Follow it again with:`
        : `${open.length} commands: each ${goesOn}. Follow them again with:`,
    )
    for (const line of hints) this.context.notice(line)
  }

  /** What the output alone does not say: how each one ended, or, with one host, why it ended otherwise than by itself. */
  private conclude(): void {
    const { context } = this
    const ended = this.commands.flatMap(({ id }) => this.ended.get(id) ?? [])
    if (this.commands.length > 1) {
      const rows = ended.map((command) => [
        command.host.name,
        command.state,
        exitOf(command),
        took(command),
        endingOf(command) ?? '',
      ])
      context.stderr.write(`\n${table(['HOST', 'STATE', 'EXIT', 'TOOK', ''], rows)}`)
    } else
      for (const command of ended)
        if (endingOf(command)) context.notice(`${command.host.name}: ${endingOf(command)}`)
    for (const { host, droppedBytes } of ended)
      if (droppedBytes > 0) context.notice(`${host.name}: ${droppedBytes} bytes of output were cut`)
  }
}
