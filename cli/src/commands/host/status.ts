import type { Context } from '../../context.ts'
import type { AskingCommand } from '../../output/answers.ts'
import { hostReport } from '../../output/host-report.ts'

const HELP = `
Shows what the host last reported; it is not asked now. "rollcall host show" says how it is reached.`

export function addHostStatusCommand(host: AskingCommand, context: Context): void {
  const { api, stdout } = context
  host
    .command('status <name>')
    .description("show a host's system, load, disks, open ports and containers")
    .addHelpText('after', HELP)
    .printsAnswer(
      (name: string) => api.call('hostStatus', { params: { host: name } }),
      (status) => hostReport(status, { now: Date.now(), hasBars: stdout.isTTY === true }),
    )
}
