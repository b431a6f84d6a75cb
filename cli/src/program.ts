import type { Context } from './context.ts'
import { AskingCommand } from './output/answers.ts'

/** `loadAll` adds the commands that this start has not loaded. */
type AddCommands = (program: AskingCommand, context: Context, loadAll: () => Promise<void>) => void

/** The file of each command, by its name. It is loaded when it is used, so that a start costs what one command needs. */
const COMMANDS: Record<string, () => Promise<{ addCommands: AddCommands }>> = {
  host: () => import('./commands/host.ts'),
  run: () => import('./commands/run.ts'),
  runs: () => import('./commands/runs.ts'),
  saved: () => import('./commands/saved.ts'),
  schedule: () => import('./commands/schedule.ts'),
  secret: () => import('./commands/secret.ts'),
  service: () => import('./commands/service.ts'),
  image: () => import('./commands/image.ts'),
  registry: () => import('./commands/registry.ts'),
  playbook: () => import('./commands/playbook.ts'),
  rotate: () => import('./commands/rotate.ts'),
  identity: () => import('./commands/identity.ts'),
  upgrade: () => import('./commands/upgrade.ts'),
  release: () => import('./commands/release.ts'),
  command: () => import('./commands/command.ts'),
  cp: () => import('./commands/cp.ts'),
  transfers: () => import('./commands/transfers.ts'),
  audit: () => import('./commands/audit.ts'),
  'setup-link': () => import('./commands/setup-link.ts'),
  status: () => import('./commands/status.ts'),
  watch: () => import('./commands/watch.ts'),
  profile: () => import('./commands/profile.ts'),
  completion: () => import('./commands/completion.ts'),
}

export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS)

const HELP = `
The server is found by:
  ROLLCALL_URL, ROLLCALL_API_KEY   any server, or else
  ROLLCALL_DATA_DIR                the data folder of a server on this machine (default: /var/lib/rollcall for
                                   root, \${XDG_DATA_HOME:-~/.local/share}/rollcall for others)
NO_COLOR=1 turns colours off; ROLLCALL_DEBUG=1 shows the stack of an error.

Exit codes: 0 success, 1 refused or failed, 2 invalid command line; for those of run see "rollcall run --help".

Examples:
  rollcall host add demo-1 --address 192.0.2.10 --key ~/.ssh/id_ed25519 --wait
  rollcall run --host demo-1,demo-2 -- uptime
  rollcall run --label env=prod --concurrency 10 -- apt-get update
  rollcall host status demo-1
  rollcall command log 3f2a9c1b --follow`

/**
 * Builds the command line: with the one command that `args` begin with, or else with all of them, for help and for errors.
 * Commander's own endings are thrown, so that one place chooses the exit code.
 */
export async function buildProgram(
  context: Context,
  version: string,
  args: readonly string[],
): Promise<AskingCommand> {
  const program = new AskingCommand(context, 'rollcall')
  program
    .description('Manages a fleet of Linux hosts.')
    .version(version)
    .exitOverride()
    .enablePositionalOptions()
    .showHelpAfterError('(see --help)')
    .addHelpText('after', HELP)
  const load = async (names: readonly string[]): Promise<void> => {
    const present = new Set(program.commands.map((command) => command.name()))
    for (const name of names)
      if (!present.has(name))
        (await COMMANDS[name]?.())?.addCommands(program, context, () => load(COMMAND_NAMES))
  }
  const [first = ''] = args
  await load(Object.hasOwn(COMMANDS, first) ? [first] : COMMAND_NAMES)
  return program
}
