import type { AuditEntry } from '@rollcall/contracts/admin'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { jsonOption } from '../options.ts'
import { jsonDocument } from '../output/json.ts'
import { table } from '../output/table.ts'

export function addAuditCommands(program: Command, context: Context): void {
  const audit = program.command('audit').description('who did what')
  audit
    .command('list')
    .description('the newest entries')
    .option('--actor <name>', 'only what this person or key did')
    .option('--action <name>', 'only this action, such as run or addHost')
    .option('--text <words>', 'only with these words in the detail, such as the name of a host')
    .addOption(jsonOption())
    .action((options: Filter) => list(context, options))
  audit
    .command('verify')
    .description('reads the whole log; exits with 1 where an entry was edited, removed or put in')
    .action(() => verify(context))
  audit
    .command('export')
    .description('all entries as JSON lines, oldest first')
    .action(() => exportAll(context))
}

interface Filter {
  actor?: string
  action?: string
  text?: string
  json?: boolean
}

async function list(context: Context, { json, ...query }: Filter): Promise<void> {
  const { entries } = await context.api.call('listAudit', { query })
  if (json) return void context.stdout.write(jsonDocument(entries))
  context.stdout.write(
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
    ),
  )
}

async function verify(context: Context): Promise<void> {
  const { entries, broken } = await context.api.call('verifyAudit')
  if (!broken) return void context.stdout.write(`All ${entries} entries are intact.\n`)
  context.exitCode = 1
  context.stdout.write(`Entry ${broken.seq} ${broken.why}.\n`)
}

async function exportAll(context: Context): Promise<void> {
  for (let after = -1; ; ) {
    const lines = await context.api.call('exportAudit', { query: { after } })
    if (lines === '') return
    context.stdout.write(lines)
    after = (JSON.parse(lines.trimEnd().split('\n').at(-1) ?? '{}') as AuditEntry).seq
  }
}
