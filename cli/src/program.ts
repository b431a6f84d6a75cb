import { Command } from 'commander'
import type { Context } from './context.ts'

type Group = (program: Command, context: Context) => void

/** What adds each command, by the command's name: loaded when it is used, so that a start costs what one command needs. */
const GROUPS: Record<string, () => Promise<Group>> = {
  host: async () => (await import('./commands/host.ts')).addHostCommands,
  run: async () => (await import('./commands/run.ts')).addRunCommand,
  runs: async () => (await import('./commands/runs.ts')).addRunsCommands,
  saved: async () => (await import('./commands/saved.ts')).addSavedCommands,
  schedule: async () => (await import('./commands/schedule.ts')).addScheduleCommands,
  playbook: async () => (await import('./commands/playbook.ts')).addPlaybookCommands,
  rotate: async () => (await import('./commands/rotate.ts')).addRotateCommands,
  identity: async () => (await import('./commands/identity.ts')).addIdentityCommands,
  upgrade: async () => (await import('./commands/upgrade.ts')).addUpgradeCommands,
  release: async () => (await import('./commands/release.ts')).addReleaseCommands,
  command: async () => (await import('./commands/command.ts')).addCommandCommands,
  cp: async () => (await import('./commands/cp.ts')).addCopyCommand,
  transfers: async () => (await import('./commands/transfers.ts')).addTransfersCommands,
  audit: async () => (await import('./commands/audit.ts')).addAuditCommands,
  'setup-link': async () => (await import('./commands/setup-link.ts')).addSetupLinkCommand,
  status: async () => (await import('./commands/status.ts')).addStatusCommand,
  watch: async () => (await import('./commands/watch.ts')).addWatchCommand,
  profile: async () => (await import('./commands/profile.ts')).addProfileCommands,
  completion: async () => {
    const { addCompletionCommands } = await import('./commands/completion.ts')
    return (program, context) =>
      addCompletionCommands(program, context, () => addOtherCommands(program, context))
  },
}

export const COMMAND_NAMES: readonly string[] = Object.keys(GROUPS)

const HELP = `
The server is found through:
  ROLLCALL_URL, ROLLCALL_API_KEY   a server anywhere, or else
  ROLLCALL_DATA_DIR                the data folder of a server on this machine (default: /var/lib/rollcall for
                                   root, \${XDG_DATA_HOME:-~/.local/share}/rollcall for others)
Also: NO_COLOR=1 for plain prefixes, ROLLCALL_DEBUG=1 for the stack of an error.

Exit codes: 0 done, 1 refused or failed, 2 wrong command line; "rollcall run --help" tells those of run.

Examples:
  rollcall host add demo-1 --address 192.0.2.10 --key ~/.ssh/id_ed25519 --wait
  rollcall run --host demo-1,demo-2 -- uptime
  rollcall run --label env=prod --concurrency 10 -- apt-get update
  rollcall host status demo-1
  rollcall command log 3f2a9c1b --follow`

/**
 * Builds the command line with the one command that `args` begin with, or with all of them where that is none: then it is help that
 * is asked for, or a mistake. Commander's own endings are thrown, so that one place chooses the exit code.
 */
export async function buildProgram(
  context: Context,
  version: string,
  args: readonly string[],
): Promise<Command> {
  const program = new Command('rollcall')
  program
    .description('Manages a fleet of Linux hosts from the server.')
    .version(version)
    .exitOverride()
    .enablePositionalOptions()
    .showHelpAfterError('(--help shows how it is used)')
    .addHelpText('after', HELP)
  const [first = ''] = args
  await addGroups(program, context, Object.hasOwn(GROUPS, first) ? [first] : COMMAND_NAMES)
  return program
}

/** Adds the commands that a short start has left out. */
async function addOtherCommands(program: Command, context: Context): Promise<void> {
  const present = new Set(program.commands.map((command) => command.name()))
  await addGroups(
    program,
    context,
    COMMAND_NAMES.filter((name) => !present.has(name)),
  )
}

async function addGroups(program: Command, context: Context, names: readonly string[]): Promise<void> {
  for (const name of names) (await GROUPS[name]?.())?.(program, context)
}
