import type { CommandView } from '@rollcall/contracts/admin'
import type { ApiError } from '@rollcall/contracts/client'
import type { Context } from '../context.ts'
import type { Printer } from '../output/printer.ts'
import { Follower } from './follower.ts'
import { giveUpAfterMs } from './give-up.ts'

interface Options {
  context: Context
  commands: readonly { id: string; host: string }[]
  printer: Printer
  /** Aborted to stop following; the commands continue. */
  signal: AbortSignal
  /** Byte offset where the output starts that is wanted; 0 when missing. */
  offset?: number
  onChange?: (command: CommandView) => void
  onEnd?: (command: CommandView) => void
}

/** Shows commands until they have ended. Returns by id how each one ended, or why it cannot be followed. */
export async function followCommands({
  context,
  commands,
  printer,
  signal,
  offset = 0,
  onChange,
  onEnd,
}: Options) {
  const byId = new Map(commands.map((command) => [command.id, command]))
  const endings = new Map<string, CommandView | ApiError>()
  const follower = new Follower(
    new Map(commands.map(({ id }) => [id, offset])),
    {
      onOutput(commandId, output) {
        const command = byId.get(commandId)
        return command && printer.output(command, output)
      },
      onChange(command) {
        printer.changed(command)
        onChange?.(command)
      },
      async onEnd(command) {
        endings.set(command.id, command)
        onEnd?.(command)
        await printer.ended(command)
      },
      onRefused: (commandId, error) => void endings.set(commandId, error),
    },
    { find: context.find, notice: context.notice, giveUpAfterMs: giveUpAfterMs(context.env), signal },
  )
  await follower.run()
  return endings
}
