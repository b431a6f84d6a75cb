import { RollcallError } from '@rollcall/contracts'
import { type TransferOrderInput, type TransferState, transferOrder } from '@rollcall/contracts/agent'
import type { AgentsService } from '../agents/index.ts'

const WAIT_MS = 20_000
/** A host on which nothing has moved for so long is given up for now; the transfer can be gone on with. */
export const STALL_MS = 120_000

/** What every transfer says to the agent, whichever way its content goes. */
export class TransferCalls {
  constructor(private readonly agents: Pick<AgentsService, 'call'>) {}

  /** Throws `request.invalid` for an order that no agent would take, before it is asked. */
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

  /** Waits for a state. Throws `file.stalled` when nothing moves. */
  async until(
    hostId: string,
    id: string,
    isSo: (state: TransferState) => boolean,
    signal: AbortSignal,
  ): Promise<TransferState> {
    let deadline = performance.now() + STALL_MS
    let offset = -1
    while (true) {
      const params = { transfer_id: id, wait_ms: WAIT_MS }
      const state = await this.agents.call(hostId, 'get_transfer', params, { signal })
      if (isSo(state)) return state
      if (state.offset !== offset) deadline = performance.now() + STALL_MS
      offset = state.offset
      if (performance.now() > deadline) throw stalled()
    }
  }

  /** Breaks a transfer off, or forgets an ended one. Safe to repeat. */
  async end(hostId: string, id: string, signal?: AbortSignal): Promise<void> {
    await this.agents.call(hostId, 'end_transfer', { transfer_id: id }, { signal })
  }
}

export const stalled = () =>
  new RollcallError(
    'file.stalled',
    'Nothing of the files has moved on the host for two minutes. Look at rollcall-runner there, and try again.',
    { outcome: 'unknown' },
  )
