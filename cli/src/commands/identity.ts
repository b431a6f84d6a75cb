import type { AdminResponse } from '@rollcall/contracts/admin'
import type { Context } from '../context.ts'
import type { AskingCommand } from '../output/answers.ts'
import { table } from '../output/table.ts'

const HELP = `
Agents answer only a server that shows a certificate they know. A new certificate reaches each agent with a rotation of its
credentials; until then the server uses the one that the agent knows, so no agent is lost. Offline hosts get it when they return.

Examples:
  rollcall identity
  rollcall identity renew`

export function addCommands(program: AskingCommand, context: Context): void {
  const { api } = context
  const identity = program
    .command('identity')
    .description('show the server certificates that agents know, and how many agents know each')
    .addHelpText('after', HELP)
  identity.printsAnswer(() => api.call('listServerIdentities'), toTable)
  const renew = identity
    .command('renew')
    .description('create a new certificate and start giving it to every agent')
  renew.printsAnswer(() => api.call('renewServerIdentity'), toTable)
}

const toTable = ({ identities }: AdminResponse<'listServerIdentities'>) =>
  table(
    ['CERTIFICATE PIN', 'CREATED', 'AGENTS'],
    identities.map(({ pin, createdAt, agents }) => [pin, createdAt, agents]),
  )
