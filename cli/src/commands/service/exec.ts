import { randomUUID } from 'node:crypto'
import type { Context } from '../../context.ts'
import { UsageError } from '../../errors.ts'
import { toTerminalSize } from '../../input/terminal-session.ts'
import { RunSession } from '../../live/run-session.ts'
import { jsonOption } from '../../options/parsers.ts'
import type { AskingCommand } from '../../output/answers.ts'
import { EXIT_CODES_HELP } from '../../output/exit-code.ts'
import { toInstanceParams } from './instance-name.ts'

interface Options {
  container?: string
  tty?: boolean
  stdin?: boolean
  json?: boolean
}

const HELP = `
The program is started without a shell, in the first container that is no job unless --container names another.
With --tty every key goes to the program; type ~. at the start of a line to exit.

${EXIT_CODES_HELP}

Examples:
  rollcall service exec shop/db.1 -- psql -U postgres -c 'select 1'
  rollcall service exec shop/web.2 --container cache --tty -- sh`

export function addServiceExecCommand(service: AskingCommand, context: Context): void {
  service
    .command('exec <instance>')
    .description('run a program in a container of an instance, and show its output live')
    .argument('[program]', 'a program, looked up in the container')
    .argument('[args...]', 'its arguments, passed unchanged')
    .usage('<instance> [options] -- PROGRAM ARG…')
    .option('--container <name>', 'the container, by the name of its service in the file')
    .option('--tty', 'give it a terminal')
    .option('--stdin', 'pass standard input to it')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((name: string, program: string | undefined, args: string[], options: Options) =>
      exec(context, name, program === undefined ? [] : [program, ...args], options),
    )
}

async function exec(context: Context, name: string, argv: string[], options: Options): Promise<void> {
  if (argv.length === 0)
    throw new UsageError(`Say what to run: rollcall service exec ${name} -- PROGRAM ARG…`)
  const { container, tty = false, stdin = false, json = false } = options
  const session = new RunSession(context, { tty, stdin, json, prefix: false, output: 'stream' })
  const { command } = await context.api.call('execInInstance', {
    params: toInstanceParams(name),
    body: {
      commandId: randomUUID(),
      argv,
      ...(container !== undefined && { container }),
      ...(tty && { tty, ...toTerminalSize(context.stdout) }),
      stdin,
    },
  })
  context.exitCode = await session.show({ runId: command.runId, commands: [command], skipped: [] })
}
