import type { AdminResponse } from '@rollcall/contracts/admin'
import type { Context } from '../context.ts'
import { type AskingCommand, tableOr } from '../output/answers.ts'
import { formatAge } from '../output/format-command.ts'
import { table } from '../output/table.ts'

export function addCommands(program: AskingCommand, context: Context): void {
  const { api } = context
  const transfers = program.command('transfers').description('list, show and cancel file transfers to hosts')
  const list = transfers.command('list', { isDefault: true }).description('list transfers, newest first')
  list.printsAnswer(() => api.call('listTransfers'), toTable)
  const show = transfers.command('show <id>').description('show a transfer, host by host')
  show.printsAnswer((id: string) => api.call('showTransfer', { params: { id } }), toHostTable)
  transfers
    .command('cancel <id>')
    .description('cancel a transfer; files that are in place stay')
    .printsAnswer(
      (id: string) => api.call('cancelTransfer', { params: { id } }),
      (_answer, id: string) => `Cancelling transfer ${id}.\n`,
    )
}

const toTable = ({ transfers }: AdminResponse<'listTransfers'>) =>
  tableOr(
    'There are no transfers yet. "rollcall cp --help" shows how to start one.',
    ['ID', 'KIND', 'DESTINATION', 'OK', 'FAILED', 'OPEN', 'AGO', 'BY'],
    transfers.map(({ id, kind, destination, counts, createdAt, requestedBy }) => [
      id,
      kind,
      destination,
      counts.success,
      counts.failed,
      counts.pending + counts.running,
      formatAge(createdAt),
      requestedBy,
    ]),
  )

const toHostTable = ({ hosts }: AdminResponse<'showTransfer'>) =>
  table(
    ['HOST', 'STATE', 'BYTES', 'OF', 'REASON'],
    hosts.map(({ host, state, bytes, totalBytes, reason }) => [host, state, bytes, totalBytes, reason]),
  )
