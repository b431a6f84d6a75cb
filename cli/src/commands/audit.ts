import type { AuditEntry } from '@rollcall/contracts/admin'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { jsonOption } from '../options/parsers.ts'
import { jsonDocument } from '../output/json.ts'
import { table } from '../output/table.ts'

interface Filter {
  actor?: string
  action?: string
  text?: string
  json?: boolean
}

export function addCommands(program: Command, context: Context): void {
  const audit = program.command('audit').description('show who did what')
  audit
    .command('list')
    .description('list the newest entries')
    .option('--actor <name>', 'only entries of this person or key')
    .option('--action <name>', 'only this action, such as run or addHost')
    .option('--text <words>', 'only entries whose details contain these words, such as a host name')
    .addOption(jsonOption())
    .action((options: Filter) => list(context, options))
  audit
    .command('verify')
    .description('check the whole log; exits with 1 if an entry was changed, removed or inserted')
    .action(() => verify(context))
  audit
    .command('export')
    .description('print all entries as JSON lines, oldest first')
    .action(() => exportAll(context))
}

async function list({ api, stdout }: Context, { json, ...query }: Filter): Promise<void> {
  const { entries } = await api.call('listAudit', { query })
  stdout.write(json ? jsonDocument(entries) : toTable(entries))
}

const toTable = (entries: readonly AuditEntry[]) =>
  table(
    ['WHEN', 'WHO', 'FROM', 'ACTION', 'OUTCOME', 'DETAIL'],
    entries.map((entry) => [
      entry.at,
      entry.actor?.name ?? '-',
      entry.from || '-',
      entry.action,
      entry.code ? `${entry.outcome} (${entry.code})` : entry.outcome,
      JSON.stringify(entry.detail).slice(0, 120),
    ]),
  )

async function verify(context: Context): Promise<void> {
  const { entries, broken } = await context.api.call('verifyAudit')
  if (!broken) return void context.stdout.write(`All ${entries} entries are intact.\n`)
  context.exitCode = 1
  context.stdout.write(`Entry ${broken.seq} ${broken.why}.\n`)
}

async function exportAll({ api, stdout }: Context): Promise<void> {
  for (let after = -1; ; ) {
    const lines = await api.call('exportAudit', { query: { after } })
    if (lines === '') return
    stdout.write(lines)
    after = (JSON.parse(lines.trimEnd().split('\n').at(-1) ?? '{}') as AuditEntry).seq
  }
}
