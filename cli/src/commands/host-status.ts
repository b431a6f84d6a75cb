import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { jsonOption } from '../options.ts'
import { hostReport } from '../output/host-report.ts'
import { jsonDocument } from '../output/json.ts'

const HELP = `
This is what the host last reported of itself: nothing is asked of it now. "rollcall host show" tells how it is reached.`

export function addHostStatusCommand(host: Command, context: Context): void {
  host
    .command('status <name>')
    .description('how one host is: system, load, disks, open ports, containers')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((name: string, options: { json?: boolean }) => status(context, name, options))
}

async function status({ api, stdout }: Context, name: string, { json }: { json?: boolean }): Promise<void> {
  const answer = await api.call('hostStatus', { params: { host: name } })
  stdout.write(
    json ? jsonDocument(answer) : hostReport(answer, { now: Date.now(), hasBars: stdout.isTTY === true }),
  )
}
