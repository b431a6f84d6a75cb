import { Command } from 'commander'
import { addAuditCommands } from './commands/audit.ts'
import { addCommandCommands } from './commands/command.ts'
import { addCopyCommand } from './commands/cp.ts'
import { addHostCommands } from './commands/host.ts'
import { addIdentityCommands } from './commands/identity.ts'
import { addPlaybookCommands } from './commands/playbook.ts'
import { addProfileCommands } from './commands/profile.ts'
import { addRotateCommands } from './commands/rotate.ts'
import { addRunCommand } from './commands/run.ts'
import { addRunsCommands } from './commands/runs.ts'
import { addSavedCommands } from './commands/saved.ts'
import { addScheduleCommands } from './commands/schedule.ts'
import { addSetupLinkCommand } from './commands/setup-link.ts'
import { addStatusCommand } from './commands/status.ts'
import { addTransfersCommands } from './commands/transfers.ts'
import { addUpgradeCommands } from './commands/upgrade.ts'
import { addWatchCommand } from './commands/watch.ts'
import type { Context } from './context.ts'

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

/** The whole command line. Commander's own endings are thrown, so that one place chooses the exit code. */
export function buildProgram(context: Context, version: string): Command {
  const program = new Command('rollcall')
  program
    .description('Manages a fleet of Linux hosts from the server.')
    .version(version)
    .exitOverride()
    .enablePositionalOptions()
    .showHelpAfterError('(--help shows how it is used)')
    .addHelpText('after', HELP)
  addHostCommands(program, context)
  addRunCommand(program, context)
  addRunsCommands(program, context)
  addSavedCommands(program, context)
  addScheduleCommands(program, context)
  addPlaybookCommands(program, context)
  addRotateCommands(program, context)
  addIdentityCommands(program, context)
  addUpgradeCommands(program, context)
  addCommandCommands(program, context)
  addCopyCommand(program, context)
  addTransfersCommands(program, context)
  addAuditCommands(program, context)
  addSetupLinkCommand(program, context)
  addStatusCommand(program, context)
  addWatchCommand(program, context)
  addProfileCommands(program, context)
  return program
}
