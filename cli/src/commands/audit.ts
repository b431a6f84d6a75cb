import type { AuditEntry } from '@rollcall/contracts/admin'
import type { Context } from '../context.ts'
import type { AskingCommand } from '../output/answers.ts'
import { table } from '../output/table.ts'

interface Filter {
  actor?: string
  action?: string
  text?: string
}

export function addCommands(program: AskingCommand, context: Context): void {
  const { api } = context
  const audit = program.command('audit').description('show who did what')
  audit
    .command('list')
    .description('list the newest entries')
    .option('--actor <name>', 'only entries of this person or key')
    .option('--action <name>', 'only this action, such as run or addHost')
    .option('--text <words>', 'only entries whose details contain these words, such as a host name')
    .printsAnswer(
      async ({ actor, action, text }: Filter) =>
        (await api.call('listAudit', { query: { actor, action, text } })).entries,
      toTable,
    )
  audit
    .command('verify')
    .description('check the whole log; exits with 1 if an entry was changed, removed or inserted')
    .printsAnswer(
      () => verify(context),
      ({ entries, broken }) =>
        broken ? `Entry ${broken.seq} ${broken.why}.\n` : `All ${entries} entries are intact.\n`,
    )
  audit
    .command('export')
    .description('print all entries as JSON lines, oldest first')
    .action(() => exportAll(context))
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

async function verify(context: Context) {
  const verdict = await context.api.call('verifyAudit')
  context.exitCode = verdict.broken ? 1 : 0
  return verdict
}

async function exportAll({ api, stdout }: Context): Promise<void> {
  for (let after = -1; ; ) {
    const lines = await api.call('exportAudit', { query: { after } })
    if (lines === '') return
    stdout.write(lines)
    after = (JSON.parse(lines.trimEnd().split('\n').at(-1) ?? '{}') as AuditEntry).seq
  }
}
