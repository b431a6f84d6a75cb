import { type CommandView, isFinalState } from '@rollcall/contracts/admin'
import { addressOf } from '../../api/address-of.ts'
import { call } from '../../api/client.ts'
import { followOutput } from '../../api/use-output.ts'
import { toMessage } from '../../ui/states.tsx'
import { newId } from '../runs/run-draft.ts'
import { MergedLog } from './merged-log.ts'

/** The latest lines of each instance that are read first. */
const FIRST_LINES = 200
/** Lines that come within this time are told together. */
const TELL_MS = 150

/** Holds what has been read so far. */
export interface ReadLogs {
  log: MergedLog
  isReading: boolean
  /** Why the log of an instance could not be read, by slot. */
  failures: ReadonlyMap<number, string>
}

/** Reads the logs of a service's instances into one, until it is stopped. */
export class LogReader {
  readonly #log = new MergedLog()
  readonly #failures = new Map<number, string>()
  /** How to stop following, by command. */
  readonly #open = new Map<string, () => void>()
  /** Commands that have not ended. */
  readonly #running = new Set<string>()
  readonly #left: Set<number>
  #timer: ReturnType<typeof setTimeout> | undefined
  #isStopped = false

  /** With `isFollowed` the logs are followed, and the programs that read them are ended by `stop`. */
  constructor(
    private readonly service: string,
    private readonly isFollowed: boolean,
    slots: readonly number[],
    private readonly onRead: (read: ReadLogs) => void,
  ) {
    this.#left = new Set(slots)
    // Whoever closes the page, or loads it anew, leaves no program behind either.
    if (isFollowed) globalThis.addEventListener('pagehide', this.#onLeave)
    for (const slot of slots) this.#begin(slot).catch((error) => this.#end(slot, toMessage(error)))
  }

  stop(): void {
    this.#isStopped = true
    globalThis.removeEventListener('pagehide', this.#onLeave)
    clearTimeout(this.#timer)
    for (const end of this.#open.values()) end()
    if (this.isFollowed) for (const id of this.#running) cancel(id)
  }

  /** Sends what outlives the page. */
  readonly #onLeave = (): void => {
    for (const id of this.#running)
      fetch(addressOf('cancelCommand', { id }), { method: 'POST', keepalive: true }).catch(() => undefined)
  }

  async #begin(slot: number): Promise<void> {
    const { command } = await call('readInstanceLogs', {
      params: { service: this.service, slot },
      body: { commandId: newId(), lines: FIRST_LINES, follow: this.isFollowed },
    })
    if (!this.#isStopped) this.#follow(slot, command.id)
    else if (this.isFollowed) cancel(command.id)
  }

  #follow(slot: number, commandId: string): void {
    const end = followOutput(commandId, 0, {
      output: ({ data }) => {
        this.#log.append(slot, data)
        this.#tellSoon()
      },
      // Output may come after this: it is followed on.
      command: (command) => {
        if (!isFinalState(command.state)) return
        this.#running.delete(commandId)
        this.#end(slot, reasonOf(command))
      },
      error: (message) => this.#end(slot, message),
    })
    this.#open.set(commandId, end)
    this.#running.add(commandId)
  }

  #end(slot: number, failure: string | undefined): void {
    this.#left.delete(slot)
    if (failure !== undefined) this.#failures.set(slot, failure)
    this.#tellSoon()
  }

  #tellSoon(): void {
    if (this.#isStopped) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.onRead({ log: this.#log, isReading: this.#left.size > 0, failures: new Map(this.#failures) })
    }, TELL_MS)
  }
}

const reasonOf = ({ state, reason }: CommandView): string | undefined =>
  state === 'success' || state === 'cancelled' ? undefined : (reason ?? state)

/** Ends reading on the host. One that has ended, or that this user may not cancel, ends by itself. */
function cancel(id: string): void {
  call('cancelCommand', { params: { id } }).catch(() => undefined)
}
