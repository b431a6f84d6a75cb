import { RollcallError } from '@rollcall/contracts'
import { type TransferOrderInput, type TransferState, transferOrder } from '@rollcall/contracts/agent'
import type { AgentsService } from '../agents/index.ts'

const WAIT_MS = 20_000
/** The time without progress after which a transfer is given up; it can be resumed later. */
export const STALL_MS = 120_000

/** Makes the agent calls that all kinds of transfer share. */
export class TransferCalls {
  constructor(private readonly agents: Pick<AgentsService, 'call'>) {}

  /** Starts a transfer. Throws `request.invalid`, before any call, if no agent would accept the request. */
  async start(
    hostId: string,
    id: string,
    order: TransferOrderInput,
    signal: AbortSignal,
  ): Promise<TransferState> {
    const checked = transferOrder.safeParse(order)
    if (!checked.success) {
      const [issue] = checked.error.issues
      const field = issue?.path.map(String).join('.') ?? 'order'
      throw new RollcallError('request.invalid', `The ${field} of the file ${issue?.message}.`)
    }
    return this.agents.call(hostId, 'start_transfer', { transfer_id: id, order }, { signal })
  }

  /** Waits for a state. Throws `file.stalled` if there is no progress. */
  async waitUntil(
    hostId: string,
    id: string,
    predicate: (state: TransferState) => boolean,
    signal: AbortSignal,
  ): Promise<TransferState> {
    let deadline = performance.now() + STALL_MS
    let offset = -1
    while (true) {
      const params = { transfer_id: id, wait_ms: WAIT_MS }
      const state = await this.agents.call(hostId, 'get_transfer', params, { signal })
      if (predicate(state)) return state
      if (state.offset !== offset) deadline = performance.now() + STALL_MS
      offset = state.offset
      if (performance.now() > deadline) throw stalled()
    }
  }

  /** Cancels a transfer or releases an ended one. Safe to repeat. */
  async end(hostId: string, id: string, signal?: AbortSignal): Promise<void> {
    await this.agents.call(hostId, 'end_transfer', { transfer_id: id }, { signal })
  }
}

export const stalled = () =>
  new RollcallError(
    'file.stalled',
    'The transfer made no progress on the host for two minutes. Check rollcall-runner there, then try again.',
    { outcome: 'unknown' },
  )
