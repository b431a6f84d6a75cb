import { type CommandView, isFinalState } from '@rollcall/contracts/admin'
import { forEachOf } from '@rollcall/contracts/client'

/** Requests to the server at a time, so that a thousand hosts are no burst. */
const AT_ONCE = 8
const POLL_MS = 1500
/** A command ends by its own timeout long before; after that nobody waits for it here. */
const MAX_WAIT_MS = 60 * 60_000

export type BulkState =
  | { is: 'open' }
  /** It has a command that the host carries out; it ended well only when that did. */
  | { is: 'under-way'; commandId: string }
  | { is: 'done'; commandId?: string }
  | { is: 'failed'; why: string; commandId?: string }

/** The state of each host by name. */
export type BulkStates = ReadonlyMap<string, BulkState>

export interface BulkCounts {
  all: number
  done: number
  failed: number
  /** Neither the one nor the other yet. */
  open: number
}

export function countsOf(states: BulkStates): BulkCounts {
  const all = [...states.values()]
  const done = all.filter(({ is }) => is === 'done').length
  const failed = all.filter(({ is }) => is === 'failed').length
  return { all: all.length, done, failed, open: all.length - done - failed }
}

interface Ports {
  /** Asks for one host. Answers with the command that does it, or with nothing where it is done. */
  act(host: string): Promise<{ commandId: string } | undefined>
  /** The state of a command; undefined where it is gone, as after a host has left the fleet. */
  readCommand(commandId: string): Promise<Pick<CommandView, 'state' | 'reason'> | undefined>
  toMessage(error: unknown): string
  wait(ms: number): Promise<void>
  onChange(states: BulkStates): void
}

/** Does the same for each host and follows each to its end; one that fails stops no other. Returns what became of each. */
export async function doForEach(hosts: readonly string[], ports: Ports): Promise<BulkStates> {
  const states = new Map<string, BulkState>(hosts.map((host) => [host, { is: 'open' }]))
  const become = (host: string, state: BulkState) => {
    states.set(host, state)
    ports.onChange(new Map(states))
  }
  await forEachOf(hosts, AT_ONCE, async (host) => {
    try {
      const asked = await ports.act(host)
      become(host, asked ? { is: 'under-way', commandId: asked.commandId } : { is: 'done' })
    } catch (error) {
      become(host, { is: 'failed', why: ports.toMessage(error) })
    }
  })
  const underWay = () => [...states].filter(([, { is }]) => is === 'under-way').map(([host]) => host)
  for (let waitedMs = 0; underWay().length > 0 && waitedMs < MAX_WAIT_MS; waitedMs += POLL_MS) {
    await ports.wait(POLL_MS)
    await forEachOf(underWay(), AT_ONCE, async (host) => {
      const state = states.get(host)
      if (state?.is !== 'under-way') return
      const next = await probeCommand(state.commandId, ports)
      if (next) become(host, next)
    })
  }
  return states
}

/** Returns how a command ended; undefined while it has not, or cannot be read. */
async function probeCommand(commandId: string, ports: Ports): Promise<BulkState | undefined> {
  try {
    const command = await ports.readCommand(commandId)
    if (!command || command.state === 'success') return { is: 'done', commandId }
    if (!isFinalState(command.state)) return undefined
    return { is: 'failed', why: command.reason ?? command.state, commandId }
  } catch {
    // The server is away or restarts: what it was asked for goes on, and it is read again.
    return undefined
  }
}
