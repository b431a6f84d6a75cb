import type { AdminResponse } from '@rollcall/contracts/admin'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { jsonOption } from '../options.ts'
import { jsonDocument } from '../output/json.ts'
import { table } from '../output/table.ts'

const HELP = `
Agents answer nobody but who shows the certificate that they know. A new one is given to each of them with a rotation of its credentials; until
then it is called with the one that it knows, so that none is lost. A host that is away gets it when it is back.

Examples:
  rollcall identity
  rollcall identity renew`

export function addIdentityCommands(program: Command, context: Context): void {
  const identity = program
    .command('identity')
    .description('the certificates by which agents know the servers, and how many know each')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async (options: { json?: boolean }) =>
      show(context, await context.api.call('listServerIdentities'), options),
    )
  identity
    .command('renew')
    .description('make a new one and begin to give it to every agent')
    .addOption(jsonOption())
    .action(async (_options: object, command: Command) =>
      show(context, await context.api.call('renewServerIdentity'), command.optsWithGlobals()),
    )
}

function show(
  { stdout }: Context,
  answer: AdminResponse<'listServerIdentities'>,
  { json }: { json?: boolean },
): void {
  const rows = answer.identities.map(({ pin, createdAt, agents }) => [pin, createdAt, String(agents)])
  stdout.write(json ? jsonDocument(answer) : table(['CERTIFICATE PIN', 'MADE', 'AGENTS'], rows))
}
