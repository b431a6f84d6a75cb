import type { AdminResponse } from '@rollcall/contracts/admin'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { printsAnswer, tableOr } from '../output/answers.ts'
import { formatAge } from '../output/format-command.ts'
import { table } from '../output/table.ts'

export function addCommands(program: Command, context: Context): void {
  const { api, stdout } = context
  const transfers = program.command('transfers').description('list, show and cancel file transfers to hosts')
  const list = transfers.command('list', { isDefault: true }).description('list transfers, newest first')
  printsAnswer(list, context, () => api.call('listTransfers'), toTable)
  const show = transfers.command('show <id>').description('show a transfer, host by host')
  printsAnswer(show, context, (id: string) => api.call('showTransfer', { params: { id } }), toHostTable)
  transfers
    .command('cancel <id>')
    .description('cancel a transfer; files that are in place stay')
    .action(async (id: string) => {
      await api.call('cancelTransfer', { params: { id } })
      stdout.write(`Cancelling transfer ${id}.\n`)
    })
}

const toTable = ({ transfers }: AdminResponse<'listTransfers'>) =>
  tableOr(
    'There are no transfers yet. "rollcall cp --help" shows how to start one.',
    ['ID', 'KIND', 'DESTINATION', 'OK', 'FAILED', 'OPEN', 'AGO', 'BY'],
    transfers.map(({ id, kind, destination, counts, createdAt, requestedBy }) => [
      id,
      kind,
      destination,
      String(counts.success),
      String(counts.failed),
      String(counts.pending + counts.running),
      formatAge(createdAt),
      requestedBy,
    ]),
  )

const toHostTable = ({ hosts }: AdminResponse<'showTransfer'>) =>
  table(
    ['HOST', 'STATE', 'BYTES', 'OF', 'REASON'],
    hosts.map(({ host, state, bytes, totalBytes, reason }) => [
      host,
      state,
      String(bytes),
      String(totalBytes),
      reason ?? '',
    ]),
  )
