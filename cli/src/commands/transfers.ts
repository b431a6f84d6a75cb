import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { jsonOption } from '../options.ts'
import { jsonDocument } from '../output/json.ts'
import { table } from '../output/table.ts'
import { ago } from '../output/words.ts'

interface Options {
  json?: boolean
}

export function addTransfersCommands(program: Command, context: Context): void {
  const transfers = program
    .command('transfers')
    .description('transfers of files to hosts: list, show, cancel')
  transfers
    .command('list', { isDefault: true })
    .description('transfers, newest first')
    .addOption(jsonOption())
    .action((options: Options) => list(context, options))
  transfers
    .command('show <id>')
    .description('one transfer, host by host')
    .addOption(jsonOption())
    .action((id: string, options: Options) => show(context, id, options))
  transfers
    .command('cancel <id>')
    .description('break one off where it has not ended; what is in place stays')
    .action((id: string) => cancel(context, id))
}

async function list({ api, stdout }: Context, { json }: Options): Promise<void> {
  const answer = await api.call('listTransfers')
  if (json) stdout.write(jsonDocument(answer))
  else if (answer.transfers.length === 0)
    stdout.write('There are no transfers yet. "rollcall cp --help" shows how to begin one.\n')
  else
    stdout.write(
      table(
        ['ID', 'KIND', 'DESTINATION', 'OK', 'FAILED', 'OPEN', 'AGO', 'BY'],
        answer.transfers.map(({ id, kind, destination, counts, createdAt, requestedBy }) => [
          id,
          kind,
          destination,
          String(counts.success),
          String(counts.failed),
          String(counts.pending + counts.running),
          ago(createdAt),
          requestedBy,
        ]),
      ),
    )
}

async function show({ api, stdout }: Context, id: string, { json }: Options): Promise<void> {
  const answer = await api.call('showTransfer', { params: { id } })
  if (json) stdout.write(jsonDocument(answer))
  else
    stdout.write(
      table(
        ['HOST', 'STATE', 'BYTES', 'OF', 'REASON'],
        answer.hosts.map(({ host, state, bytes, totalBytes, reason }) => [
          host,
          state,
          String(bytes),
          String(totalBytes),
          reason ?? '',
        ]),
      ),
    )
}

async function cancel({ api, stdout }: Context, id: string): Promise<void> {
  await api.call('cancelTransfer', { params: { id } })
  stdout.write(`The transfer ${id} is being broken off.\n`)
}
