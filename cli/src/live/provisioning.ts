import { ApiError } from '@rollcall/contracts/client'
import type { Context } from '../context.ts'
import { CliError, InterruptedError, isExplained } from '../errors.ts'
import { watchInterrupts } from '../input/interrupts.ts'
import { formatElapsed, formatEnding } from '../output/format-command.ts'
import { jsonDocument, jsonLine } from '../output/json.ts'
import { jsonPrinter, LinePrinter } from '../output/printer.ts'
import { RECONNECT_HELP } from './give-up.ts'

export const WAIT_HELP = `With --wait the exit code is 0 only if it succeeded. Ctrl-C stops watching; the server continues.
${RECONNECT_HELP}
With --json and --wait every line is one JSON object: "accepted", "output" (base64), "command", "end".`

export const DUPLICATE_HELP = 'allow a machine that is another host of the fleet, or a clone of one'
export const TAKE_OVER_HELP = 'replace an agent that belongs to another host or another server'

interface Started {
  kind: 'installation' | 'removal' | 'move of the agent'
  host: string
  /** The server's answer, which --json prints. */
  answer: { commandId: string }
}

/** Reports what was started and how to follow it, or shows it until it has ended. */
export async function reportStarted(
  context: Context,
  options: { wait?: boolean; json?: boolean },
  started: Started,
): Promise<void> {
  const { kind, host, answer } = started
  if (options.wait) return showUntilEnd(context, options, started)
  if (options.json) context.stdout.write(jsonDocument(answer))
  else context.notice(`the ${kind} on ${host} has started. Follow it with: ${followHint(answer.commandId)}`)
}

async function showUntilEnd(
  context: Context,
  { json }: { json?: boolean },
  { kind, host, answer }: Started,
): Promise<void> {
  const { commandId } = answer
  const { followCommands } = await import('./follow-commands.ts')
  const { leaving } = watchInterrupts()
  if (json) context.stdout.write(jsonLine({ type: 'accepted', ...answer }))
  // Prefixed, so that a host's output cannot pass for the server's.
  const printer = json ? jsonPrinter(context) : new LinePrinter(context, [])
  const endings = await followCommands({
    context,
    commands: [{ id: commandId, host }],
    printer,
    signal: leaving,
  }).catch((error) => {
    if (error instanceof InterruptedError || isExplained(error))
      context.notice(`the ${kind} continues. Follow it with: ${followHint(commandId)}`)
    throw error
  })
  const ending = endings.get(commandId)
  if (!ending) throw new Error(`the ${kind} was neither followed to its end nor refused`)
  if (ending instanceof ApiError) throw ending
  if (ending.state === 'success') {
    context.notice(`the ${kind} on ${host} succeeded in ${formatElapsed(ending)}`)
    return
  }
  throw new CliError(`The ${kind} on ${host} did not succeed: ${formatEnding(ending) ?? ending.state}`)
}

const followHint = (commandId: string) => `rollcall command log ${commandId} --follow`
