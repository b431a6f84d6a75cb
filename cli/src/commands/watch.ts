import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { watchInterrupts } from '../input/interrupts.ts'
import { FleetView } from '../live/fleet-view.ts'
import { LiveFeed } from '../live/live-feed.ts'
import { giveUpAfterMs } from '../live/watch.ts'
import { jsonOption } from '../options.ts'
import { type FleetDisplay, JsonDisplay, LineDisplay, ScreenDisplay } from '../output/fleet-display.ts'

const HELP = `
At a terminal: counts on top and the hosts that are not well first. Elsewhere: one line for each change of state, from now
on. Ctrl-C leaves.
A lost connection or a restart of the server is waited out as "rollcall run" does, and what changed meanwhile is told.

With --json every line is one JSON object: "fleet" (total, states) when all of it is known, also after a reconnection, and
"change" (at, host, hostId, from, to, code, reason) for each change of state.`

export function addWatchCommand(program: Command, context: Context): void {
  program
    .command('watch')
    .description('the fleet, live: what is not well first, or every change of state')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((options: { json?: boolean }) => watchFleet(context, options))
}

async function watchFleet(context: Context, { json }: { json?: boolean }): Promise<void> {
  const view = new FleetView()
  const display = displayOf(context, view, json)
  const feed = new LiveFeed(
    { type: 'watch-fleet' },
    {
      find: context.find,
      notice: (text) => display.notice(text),
      giveUpAfterMs: giveUpAfterMs(context.env),
      signal: watchInterrupts().leaving,
      onRequest: () => view.awaitWhole(),
    },
  )
  display.open()
  try {
    for await (const event of feed.events()) {
      if (event.type !== 'fleet') continue
      const { changes, isWhole, isMissing } = view.take(event, new Date())
      if (isMissing) feed.restart()
      await display.show(changes, isWhole)
    }
  } finally {
    display.close()
  }
}

function displayOf(context: Context, view: FleetView, json: boolean | undefined): FleetDisplay {
  const { stdout, env } = context
  if (json) return new JsonDisplay(context, view)
  return stdout.isTTY && env.TERM !== 'dumb'
    ? new ScreenDisplay(context, view)
    : new LineDisplay(context, view)
}
