import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { AgentsRepository, AgentsService } from '../agents/index.ts'
import type { OutputWriter } from '../commands/index.ts'
import { HeartbeatsService } from '../heartbeats/index.ts'
import { Reconciler } from '../platform/background/reconciler.ts'
import { LOGGER, type Logger } from '../platform/log.ts'

const BATCH = 8
const PROBE_TIMEOUT_MS = 10_000

/** An agent could not be moved to another port, and answers where it was. */
export class MoveUndoneError extends RollcallError {}

interface Move {
  nextPort: number
  /** Installs the agent to listen on a port. */
  installAt(port: number): Promise<void>
  log: OutputWriter
  signal: AbortSignal
}

/**
 * Moves agents to other ports. Both ports stand in the database until the agent has answered on one of them: wherever a move breaks off, the
 * agent is found again.
 */
@Injectable()
export class PortMoves extends Reconciler {
  override readonly name = 'port-moves'
  override readonly intervalMs = 15_000

  constructor(
    private readonly agents: AgentsRepository,
    private readonly connections: AgentsService,
    private readonly heartbeats: HeartbeatsService,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  /** Moves an agent by installing it. Throws why it could not be moved: `MoveUndoneError` when it answers where it was. */
  async move(hostId: string, { nextPort, installAt, log, signal }: Move): Promise<void> {
    const identity = await this.agents.identity(hostId)
    if (!identity) throw new RollcallError('host.not_found', 'The host is no longer in the fleet.')
    const { rpcPort } = identity
    await log.line(`Moving the agent from port ${rpcPort} to port ${nextPort}`)
    try {
      await installAt(nextPort)
      await this.end(hostId, nextPort)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof RollcallError)) throw error
      await log.line(`The agent could not be moved: ${error.message}`, 'stderr')
      const found = await this.find(hostId, [rpcPort, nextPort], signal)
      if (found === nextPort) {
        await log.line(`It answers on port ${nextPort} all the same.`)
        return this.end(hostId, nextPort)
      }
      if (found === undefined) {
        await log.line(`It answers on neither port. Installing it to listen on port ${rpcPort} again`)
        await installAt(rpcPort)
      }
      await this.end(hostId, rpcPort)
      throw new MoveUndoneError(
        error.code,
        `The agent could not be moved to port ${nextPort}, and stays at port ${rpcPort}. ${error.message}`,
        { cause: error },
      )
    }
  }

  /** Finds agents whose move was broken off. */
  override async reconcile(_now: Date, signal: AbortSignal): Promise<void> {
    const moves = await this.agents.unendedMoves(BATCH)
    await Promise.all(
      moves.map(async ({ hostId, rpcPort, nextPort }) => {
        const found = await this.find(hostId, [rpcPort, nextPort], signal)
        if (found === undefined) return
        await this.end(hostId, found)
        this.log.info({ hostId, port: found }, 'the move of an agent was broken off; it was found again')
      }),
    )
  }

  /** The port on which the agent answers; undefined where it answers on none. */
  private async find(
    hostId: string,
    ports: readonly number[],
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const timeout = AbortSignal.timeout(PROBE_TIMEOUT_MS)
    const answers = ports.map((port) =>
      this.connections.probe(hostId, { port }, AbortSignal.any([signal, timeout])).then(
        () => port,
        () => undefined, // not there: what was in the way is told by the heartbeat that comes next
      ),
    )
    const found = await Promise.all(answers)
    signal.throwIfAborted()
    return found.find((port) => port !== undefined)
  }

  private async end(hostId: string, port: number): Promise<void> {
    await this.agents.endMove(hostId, port)
    this.connections.forget(hostId)
    this.heartbeats.requestNow(hostId)
  }
}
