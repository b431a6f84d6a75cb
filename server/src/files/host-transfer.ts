import { RollcallError } from '@rollcall/contracts'
import { type TransferOrderInput, type TransferState, transferOrder } from '@rollcall/contracts/agent'
import type { AgentsService } from '../agents/index.ts'
import type { Chunk } from './content.ts'

const WAIT_MS = 20_000
/** The time without progress after which a transfer is given up; it can be resumed later. */
const STALL_MS = 120_000

/** One transfer on a host, by the calls to its agent that all kinds of transfer share. */
export class HostTransfer {
  private readonly on: { transfer_id: string }

  constructor(
    private readonly agents: Pick<AgentsService, 'call'>,
    private readonly hostId: string,
    id: string,
    readonly signal: AbortSignal,
  ) {
    this.on = { transfer_id: id }
  }

  /** Starts it. Throws `request.invalid`, before any call, if no agent would accept the request. */
  async start(order: TransferOrderInput): Promise<TransferState> {
    const checked = transferOrder.safeParse(order)
    if (!checked.success) {
      const [issue] = checked.error.issues
      const field = issue?.path.map(String).join('.') ?? 'order'
      throw new RollcallError('request.invalid', `The ${field} of the file ${issue?.message}.`)
    }
    const { agents, hostId, on, signal } = this
    return agents.call(hostId, 'start_transfer', { ...on, order }, { signal })
  }

  /** Waits for a state. Throws `file.stalled` if there is no progress. */
  async waitUntil(predicate: (state: TransferState) => boolean): Promise<TransferState> {
    const { agents, hostId, on, signal } = this
    let deadline = performance.now() + STALL_MS
    let offset = -1
    while (true) {
      const state = await agents.call(hostId, 'get_transfer', { ...on, wait_ms: WAIT_MS }, { signal })
      if (predicate(state)) return state
      if (state.offset !== offset) deadline = performance.now() + STALL_MS
      offset = state.offset
      if (performance.now() > deadline) throw stalled()
    }
  }

  /** Sends content once the host has room for it. Throws `file.stalled` if it has none in time. */
  async write({ offset, frames, bytes }: Chunk, signal: AbortSignal): Promise<TransferState> {
    const params = { ...this.on, offset, frames }
    const deadline = performance.now() + STALL_MS
    while (true) {
      const answer = await this.agents.call(this.hostId, 'write_chunk', params, { bytes, signal })
      if (answer.accepted || answer.state.result !== null) return answer.state
      if (performance.now() > deadline) throw stalled()
    }
  }

  /** Reads a piece of the copy that the host has made. */
  read(index: number) {
    const { agents, hostId, on, signal } = this
    return agents.call(hostId, 'read_chunk', { ...on, index }, { signal })
  }

  /** Cancels it, or releases it where it has ended. Safe to repeat. */
  async end(signal = this.signal): Promise<void> {
    await this.agents.call(this.hostId, 'end_transfer', this.on, { signal })
  }
}

const stalled = () =>
  new RollcallError(
    'file.stalled',
    'The transfer made no progress on the host for two minutes. Check rollcall-runner there, then try again.',
    { outcome: 'unknown' },
  )
