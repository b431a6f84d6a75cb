import type { CommandView, NewServiceLogs } from '@rollcall/contracts/admin'
import { ApiError } from '@rollcall/contracts/client'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { type Interrupts, watchInterrupts } from '../../input/interrupts.ts'
import { followCommands } from '../../live/follow-commands.ts'
import { wholeNumber } from '../../options/parsers.ts'
import type { AskingCommand } from '../../output/answers.ts'
import { MergedLines } from '../../output/merged-lines.ts'
import { LinePrinter, type Printer } from '../../output/printer.ts'
import { toServiceParams } from './instance-name.ts'

interface Options {
  container?: string
  lines?: number
  since?: Date
  follow?: boolean
}

/** A command that reads the log of one instance, by the instance's name. */
type Source = CommandView & { instance: string }

const HELP = `
Every line begins with its time, the container and the stream. Lines of several instances are put in the order of their times,
each behind the name of its instance; with --follow they are shown as they come. Ctrl-C ends it.

Examples:
  rollcall service logs shop/web
  rollcall service logs shop/web.2 --container web --lines 1000
  rollcall service logs shop/web --follow --since 2026-11-30T10:00:00Z`

export function addServiceLogsCommand(service: AskingCommand, context: Context): void {
  service
    .command('logs <service|instance>')
    .description('show what the containers of a service have written')
    .option('--container <name>', 'only of this container')
    .option(
      '--lines <number>',
      'how many of the latest lines of each instance (default: 200)',
      wholeNumber(0, 10_000),
    )
    .option('--since <time>', 'only lines from this time on, such as 2026-11-30T10:00:00Z', toMoment)
    .option('--follow', 'go on until Ctrl-C')
    .addHelpText('after', HELP)
    .action((name: string, options: Options) => showLogs(context, name, options))
}

function toMoment(text: string): Date {
  const moment = new Date(text)
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(moment.getTime())) return moment
  throw new CliError(`"${text}" is no time. Write it as 2026-11-30T10:00:00Z.`)
}

async function showLogs(context: Context, name: string, options: Options): Promise<void> {
  let sources: Source[] = []
  const interrupts = watchInterrupts(() => void stop(context, sources, interrupts))
  sources = await begin(context, name, options)
  const names = [...new Set(sources.map(({ instance }) => instance))]
  const printer = new LinePrinter(context, names.length > 1 ? names : [])
  const merged = options.follow ? null : new MergedLines()
  const endings = await followCommands({
    context,
    commands: sources.map(({ id, instance }) => ({ id, host: instance })),
    printer: byInstance(merged ?? printer, sources),
    signal: interrupts.leaving,
  })
  for (const { id, instance, line } of merged?.inOrder() ?? [])
    await printer.output(
      { id, host: instance },
      { offset: 0, stream: 'stdout', data: Buffer.from(`${line}\n`) },
    )
  const failed = sources.flatMap(({ id, instance }) => {
    const ending = endings.get(id)
    if (ending instanceof ApiError) return `${instance}: ${ending.message}`
    return ending === undefined || ending.state === 'success' || ending.state === 'cancelled'
      ? []
      : `${instance}: ${ending.reason ?? ending.state}`
  })
  if (failed.length > 0) throw new CliError(`Not all logs could be read. ${failed.join('; ')}`)
}

/** Begins to read, and finds which command is for which instance. */
async function begin({ api }: Context, name: string, options: Options): Promise<Source[]> {
  const { service, slot } = toServiceParams(name)
  const { container, lines, since, follow } = options
  const body: Partial<NewServiceLogs> = {
    ...(container !== undefined && { container }),
    ...(lines !== undefined && { lines }),
    ...(since !== undefined && { since: since.toISOString() }),
    ...(follow && { follow }),
  }
  if (slot !== undefined) {
    const { command } = await api.call('readInstanceLogs', { params: { service, slot }, body })
    return [{ ...command, instance: name }]
  }
  const { instances } = await api.call('showService', { params: { service } })
  const { commands } = await api.call('readServiceLogs', { params: { service }, body })
  return commands.map((command) => {
    const instance = instances.find(({ id }) => command.args.includes(id))
    return { ...command, instance: instance?.name ?? command.host.name }
  })
}

/** Ends the reading on the hosts. Whoever may not cancel commands leaves: they end by themselves. */
async function stop({ api }: Context, sources: readonly Source[], interrupts: Interrupts): Promise<void> {
  const cancelled = await Promise.allSettled(
    sources.map(({ id }) => api.call('cancelCommand', { params: { id } })),
  )
  if (cancelled.length === 0 || cancelled.some(({ status }) => status === 'rejected')) interrupts.leave()
}

/** Prints lines behind the name of their instance instead of that of their host. */
const byInstance = (printer: Printer, sources: readonly Source[]): Printer => ({
  output: (command, output) => printer.output(command, output),
  ended: (command) => {
    const name = sources.find(({ id }) => id === command.id)?.instance ?? command.host.name
    return printer.ended?.({ ...command, host: { ...command.host, name } })
  },
})
