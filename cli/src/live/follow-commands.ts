import type { CommandView, LiveEvent } from '@rollcall/contracts/admin'
import { type ApiError, isTransient } from '@rollcall/contracts/client'
import type { Context } from '../context.ts'
import type { Printer } from '../output/printer.ts'
import { followWithReconnect, type Subscription, toApiError } from './follow-with-reconnect.ts'
import { giveUpAfterMs } from './give-up.ts'
import type { LiveConnection } from './live-connection.ts'

/** How many commands the server follows over one connection; the next one begins when one has ended. */
const MAX_FOLLOWED = 1000

interface Options {
  context: Context
  commands: readonly { id: string; host: string }[]
  /** Gets output in order, each byte once. A returned promise holds everything back until it is settled. */
  printer: Printer
  /** Aborted to stop following; the commands continue. */
  signal: AbortSignal
  /** Byte offset where the output starts that is wanted; 0 when missing. */
  offset?: number
  /** Called when a state has changed, or was sent again after a reconnection. */
  onChange?: (command: CommandView) => void
}

/** How each command ended, by id, or why it cannot be followed. */
type Endings = ReadonlyMap<string, CommandView | ApiError>

/** Shows commands until they have ended. Throws `UnreachableError` when the server stayed silent for too long. */
export async function followCommands(options: Options): Promise<Endings> {
  const { find, notice, env } = options.context
  const following = new Following(options)
  const settings = { find, notice, giveUpAfterMs: giveUpAfterMs(env), signal: options.signal }
  await followWithReconnect(following, settings)
  return following.endings
}

/** Commands that are followed to their ends, each from its own byte offset. */
class Following implements Subscription {
  readonly endings = new Map<string, CommandView | ApiError>()
  /** Commands that have not ended, each with the offset of its next byte. */
  private readonly open: Map<string, { id: string; host: string; offset: number }>
  /** Commands that the present connection was not asked for yet. */
  private waiting: string[] = []

  constructor(private readonly options: Options) {
    const { commands, offset = 0 } = options
    this.open = new Map(commands.map((command) => [command.id, { ...command, offset }]))
  }

  get isDone(): boolean {
    return this.open.size === 0
  }

  request(connection: LiveConnection): void {
    this.waiting = [...this.open.keys()]
    this.follow(MAX_FOLLOWED, connection)
  }

  async take(event: LiveEvent, connection: LiveConnection): Promise<boolean> {
    const before = this.open.size
    const isOfUse = await this.takeEvent(event)
    this.follow(before - this.open.size, connection)
    return isOfUse
  }

  private follow(count: number, connection: LiveConnection): void {
    for (const commandId of this.waiting.splice(0, count))
      connection.send({ type: 'follow', commandId, offset: this.open.get(commandId)?.offset ?? 0 })
  }

  private async takeEvent(event: LiveEvent): Promise<boolean> {
    const { printer, onChange } = this.options
    if (event.type === 'output') return this.takeOutput(event)
    if (event.type === 'error') return this.takeError(event)
    if (event.type !== 'command' && event.type !== 'end') return true
    const { command } = event
    if (!this.open.has(command.id)) return true
    if (event.type === 'command') printer.changed?.(command)
    else this.end(command.id, command)
    onChange?.(command)
    if (event.type === 'end') await printer.ended?.(command)
    return true
  }

  private end(commandId: string, ending: CommandView | ApiError): void {
    if (this.open.delete(commandId)) this.endings.set(commandId, ending)
  }

  private async takeOutput(event: LiveEvent & { type: 'output' }): Promise<boolean> {
    const command = this.open.get(event.commandId)
    if (command === undefined) return true
    const { offset } = command
    // A gap: a new connection begins at our own offset.
    if (event.offset > offset) return false
    const data = Buffer.from(event.data, 'base64').subarray(offset - event.offset)
    if (data.length === 0) return true
    command.offset += data.length
    await this.options.printer.output(command, { offset, stream: event.stream, data })
    return true
  }

  private takeError(event: LiveEvent & { type: 'error' }): boolean {
    const error = toApiError(event)
    if (isTransient(error)) return false
    if (event.commandId === null) throw error
    this.end(event.commandId, error)
    return true
  }
}
