import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { AgentsRepository, AgentsService } from '../agents/index.ts'
import type { OutputWriter } from '../commands/index.ts'
import { HeartbeatsService } from '../heartbeats/index.ts'
import { Reconciler } from '../platform/background/reconciler.ts'
import { LOGGER, type Logger } from '../platform/log.ts'

const BATCH = 8
const PROBE_TIMEOUT_MS = 10_000

/** An agent could not be moved to another port and still responds on its old one. */
export class MoveUndoneError extends RollcallError {}

interface Move {
  nextPort: number
  /** Installs the agent to listen on a port. */
  installAt(port: number): Promise<void>
  log: OutputWriter
  signal: AbortSignal
}

/**
 * Moves agents to other ports. Both ports are stored until the agent has responded on one of them, so an interrupted
 * move can be resolved.
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

  /** Moves an agent by installing it. Throws why it failed: `MoveUndoneError` if the agent responds on its old port. */
  async move(hostId: string, { nextPort, installAt, log, signal }: Move): Promise<void> {
    const identity = await this.agents.identity(hostId)
    if (!identity) throw new RollcallError('host.not_found', 'The host is no longer in the fleet.')
    const { rpcPort } = identity
    await log.line(`Moving the agent from port ${rpcPort} to port ${nextPort}`)
    try {
      await installAt(nextPort)
      await this.endMove(hostId, nextPort)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof RollcallError)) throw error
      await log.line(`Failed to move the agent: ${error.message}`, 'stderr')
      const found = await this.findPort(hostId, [rpcPort, nextPort], signal)
      if (found === nextPort) {
        await log.line(`It responds on port ${nextPort} nevertheless.`)
        return this.endMove(hostId, nextPort)
      }
      if (found === undefined) {
        await log.line(`It responds on neither port. Installing it on port ${rpcPort} again`)
        await installAt(rpcPort)
      }
      await this.endMove(hostId, rpcPort)
      throw new MoveUndoneError(
        error.code,
        `Failed to move the agent to port ${nextPort}; it stays on port ${rpcPort}. ${error.message}`,
        { cause: error },
      )
    }
  }

  /** Resolves interrupted moves. */
  override async reconcile(_now: Date, signal: AbortSignal): Promise<void> {
    const moves = await this.agents.unendedMoves(BATCH)
    await Promise.all(
      moves.map(async ({ hostId, rpcPort, nextPort }) => {
        const found = await this.findPort(hostId, [rpcPort, nextPort], signal)
        if (found === undefined) return
        await this.endMove(hostId, found)
        this.log.info({ hostId, port: found }, 'resolved the interrupted port move of an agent')
      }),
    )
  }

  /** Returns the port on which the agent responds; undefined if on none. */
  private async findPort(
    hostId: string,
    ports: readonly number[],
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const timeout = AbortSignal.timeout(PROBE_TIMEOUT_MS)
    const answers = ports.map((port) =>
      this.connections.probe(hostId, { port }, AbortSignal.any([signal, timeout])).then(
        () => port,
        () => undefined, // not there; the next heartbeat reports the reason
      ),
    )
    const found = await Promise.all(answers)
    signal.throwIfAborted()
    return found.find((port) => port !== undefined)
  }

  private async endMove(hostId: string, port: number): Promise<void> {
    await this.agents.endMove(hostId, port)
    this.connections.forget(hostId)
    this.heartbeats.requestNow(hostId)
  }
}
