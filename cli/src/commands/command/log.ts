import { MAX_LOG_BYTES } from '@rollcall/contracts/agent/commands'
import { ApiError } from '@rollcall/contracts/client'
import { ID_HELP, resolveCommandId } from '../../api/resolve-id.ts'
import type { Context } from '../../context.ts'
import { watchInterrupts } from '../../input/interrupts.ts'
import { followCommands } from '../../live/follow-commands.ts'
import { RECONNECT_HELP } from '../../live/give-up.ts'
import { jsonOption, wholeNumber } from '../../options/parsers.ts'
import type { AskingCommand } from '../../output/answers.ts'
import { jsonLine } from '../../output/json.ts'
import { jsonPrinter, rawPrinter } from '../../output/printer.ts'

interface Options {
  offset?: number
  follow?: boolean
  json?: boolean
}

const HELP = `
${ID_HELP}
The program's stdout and stderr are printed unchanged to stdout and stderr.
The exit code says whether the log was read, not how the command ended.
${RECONNECT_HELP}

With --json every line is one JSON object: "output" (offset, stream, base64 data) and at the end
{"type":"position","nextOffset":…,"isFinal":…}; with --follow also "command" for a change of state, and "end".

Examples:
  rollcall command log 3f2a9c1b
  rollcall command log 3f2a9c1b --follow
  rollcall command log 3f2a9c1b --json | jq -r 'select(.stream == "stderr") | .data | @base64d'`

export function addCommandLogCommand(command: AskingCommand, context: Context): void {
  command
    .command('log <id>')
    .description('print the output of a command')
    .option('--offset <bytes>', 'start at this byte of the output', wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .option('--follow', 'continue until the command has ended')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((id: string, options: Options) => log(context, id, options))
}

async function log(context: Context, given: string, options: Options): Promise<void> {
  const id = await resolveCommandId(context.api, given)
  const { command } = await context.api.call('showCommand', { params: { id } })
  const target = { id, host: command.host.name }
  return options.follow ? followLog(context, target, options) : readLog(context, target, options)
}

type Target = { id: string; host: string }

async function followLog(context: Context, target: Target, { offset = 0, json }: Options): Promise<void> {
  const printer = json ? jsonPrinter(context) : rawPrinter(context)
  const endings = await followCommands({
    context,
    commands: [target],
    printer,
    offset,
    signal: watchInterrupts().leaving,
  })
  const ending = endings.get(target.id)
  if (ending instanceof ApiError) throw ending
}

async function readLog(context: Context, target: Target, { offset = 0, json }: Options): Promise<void> {
  const printer = json ? jsonPrinter(context) : rawPrinter(context)
  let nextOffset = offset
  for (;;) {
    const query = { offset: nextOffset, maxBytes: MAX_LOG_BYTES }
    const page = await context.api.call('readOutput', { params: { id: target.id }, query })
    for (const { offset, stream, data } of page.chunks)
      await printer.output(target, { offset, stream, data: Buffer.from(data, 'base64') })
    const isAtEnd = page.isFinal || page.nextOffset <= nextOffset
    nextOffset = page.nextOffset
    if (!isAtEnd) continue
    if (json) context.stdout.write(jsonLine({ type: 'position', nextOffset, isFinal: page.isFinal }))
    return
  }
}
