import type { HostEvent } from '@rollcall/contracts/admin'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { jsonOption, wholeNumber } from '../options.ts'
import { reasonWords } from '../output/host-words.ts'
import { jsonDocument } from '../output/json.ts'
import { moment } from '../output/measures.ts'
import { table } from '../output/table.ts'
import { ago, duration } from '../output/words.ts'

const MAX_LIST_LENGTH = 1000
const MAX_REASON = 2100

const HELP = `
The newest state is last, as in a log; LASTED is how long the host was in it. With --json it is the server's own answer,
newest first.`

interface Options {
  limit?: number
  json?: boolean
}

export function addHostHistoryCommand(host: Command, context: Context): void {
  host
    .command('history <name>')
    .description('the states that a host has been in, for how long, and why')
    .option(
      '--limit <number>',
      `only the newest so many, up to ${MAX_LIST_LENGTH} (default: 100)`,
      wholeNumber(1, MAX_LIST_LENGTH),
    )
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((name: string, options: Options) => history(context, name, options))
}

async function history({ api, stdout }: Context, name: string, { limit, json }: Options): Promise<void> {
  const answer = await api.call('hostHistory', { params: { host: name }, query: { limit } })
  if (json) stdout.write(jsonDocument(answer))
  else if (answer.events.length === 0) stdout.write('Nothing has happened to it yet.\n')
  else {
    const rows = toRows(answer.events.toReversed(), Date.now())
    stdout.write(table(['AT', 'STATE', 'LASTED', 'REASON'], rows, MAX_REASON))
  }
}

/** `events` are oldest first. */
const toRows = (events: readonly HostEvent[], now: number) =>
  events.map(({ at, to, reason, code }, place) => {
    const next = events[place + 1]
    const lasted = next ? duration(Date.parse(next.at) - Date.parse(at)) : `${ago(at, now)} so far`
    return [moment(at), to, lasted, reasonWords(reason, code) ?? '']
  })
