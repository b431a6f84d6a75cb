import type { HostEvent } from '@rollcall/contracts/admin'
import type { Context } from '../../context.ts'
import { limitOption } from '../../options/parsers.ts'
import type { AskingCommand } from '../../output/answers.ts'
import { formatAge, formatDuration } from '../../output/format-command.ts'
import { formatReason } from '../../output/format-host.ts'
import { formatMoment } from '../../output/format-measure.ts'
import { table } from '../../output/table.ts'

const MAX_LIST_LENGTH = 1000
const MAX_REASON = 2100

const HELP = `
The newest state comes last, as in a log; LASTED is how long the host was in it. With --json the newest comes first.`

export function addHostHistoryCommand(host: AskingCommand, context: Context): void {
  host
    .command('history <name>')
    .description("list a host's states with duration and reason")
    .addOption(limitOption('only the newest', MAX_LIST_LENGTH, 100))
    .addHelpText('after', HELP)
    .printsAnswer(
      (name: string, { limit }: { limit?: number }) =>
        context.api.call('hostHistory', { params: { host: name }, query: { limit } }),
      ({ events }) =>
        events.length === 0
          ? 'Its state has not changed yet.\n'
          : table(['AT', 'STATE', 'LASTED', 'REASON'], toRows(events.toReversed(), Date.now()), MAX_REASON),
    )
}

/** `events` are oldest first. */
const toRows = (events: readonly HostEvent[], now: number) =>
  events.map(({ at, to, reason, code }, place) => {
    const next = events[place + 1]
    const lasted = next
      ? formatDuration(Date.parse(next.at) - Date.parse(at))
      : `${formatAge(at, now)} so far`
    return [formatMoment(at), to, lasted, formatReason(reason, code)]
  })
