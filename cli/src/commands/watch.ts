import type { Context } from '../context.ts'
import { watchInterrupts } from '../input/interrupts.ts'
import { FleetView } from '../live/fleet-view.ts'
import { followWithReconnect, type Subscription, throwIfRefused } from '../live/follow-with-reconnect.ts'
import { giveUpAfterMs } from '../live/give-up.ts'
import { jsonOption } from '../options/parsers.ts'
import type { AskingCommand } from '../output/answers.ts'
import { type FleetDisplay, jsonDisplay, lineDisplay, ScreenDisplay } from '../output/fleet-display.ts'

const HELP = `
On a terminal: counts on top, then the hosts, those with problems first. Elsewhere: one line for each change of state from now
on. Ctrl-C exits.
It reconnects as "rollcall run" does, and then shows what has changed meanwhile.

With --json every line is one JSON object: "fleet" (total, states) when all of it is known, also after a reconnection, and
"change" (at, host, hostId, from, to, code, reason) for each change of state.`

export function addCommands(program: AskingCommand, context: Context): void {
  program
    .command('watch')
    .description('watch the fleet live: hosts with problems first, or every change of state')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((options: { json?: boolean }) => watchFleet(context, options))
}

async function watchFleet(context: Context, { json }: { json?: boolean }): Promise<void> {
  const view = new FleetView()
  const display = toDisplay(context, view, json)
  const settings = {
    find: context.find,
    notice: (text: string) => display.notice(text),
    giveUpAfterMs: giveUpAfterMs(context.env),
    signal: watchInterrupts().leaving,
  }
  // Fails at once if no server runs or the key is wrong: reconnecting would not help.
  await context.api.call('clusterHealth')
  display.open?.()
  try {
    await followWithReconnect(toSubscription(view, display), settings)
  } finally {
    display.close?.()
  }
}

/** Returns a subscription that never ends. After an incomplete message it asks for a new connection, which begins with a snapshot. */
const toSubscription = (view: FleetView, display: FleetDisplay): Subscription => ({
  isDone: false,
  request(connection) {
    view.awaitSnapshot()
    connection.send({ type: 'watch-fleet' })
  },
  async take(event) {
    if (event.type === 'error') return throwIfRefused(event)
    if (event.type !== 'fleet') return true
    const { changes, isWhole, isMissing } = view.take(event, new Date())
    await display.show(changes, isWhole)
    return !isMissing
  },
})

function toDisplay(context: Context, view: FleetView, json: boolean | undefined): FleetDisplay {
  const { stdout, env } = context
  if (json) return jsonDisplay(context, view)
  return stdout.isTTY && env.TERM !== 'dumb' ? new ScreenDisplay(context, view) : lineDisplay(context, view)
}
