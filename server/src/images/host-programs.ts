import { Injectable } from '@nestjs/common'
import { AgentsService } from '../agents/index.ts'
import { AgentPrograms } from '../commands/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { ToolsService } from '../tools/index.ts'

/** An agent that is being upgraded is back by then. */
const SILENT_FOR_MS = 150_000

/** Runs the steps of the host program that are about images. */
@Injectable()
export class HostPrograms {
  constructor(
    private readonly agents: AgentsService,
    private readonly tools: ToolsService,
    private readonly clock: Clock,
  ) {}

  /** Runs a step to its end, once for each id. Returns what it prints. Throws `agent.*`, or the signal's reason. */
  async run(
    hostId: string,
    { id, args, timeoutS }: { id: string; args: readonly string[]; timeoutS: number },
    signal: AbortSignal,
  ): Promise<string> {
    const { path } = await this.tools.ensure(hostId, signal)
    const host = { id: hostId, signal, silentForMs: SILENT_FOR_MS }
    const programs = new AgentPrograms(this.agents, this.clock, host)
    const words = ['-I', `${path}/playbooks/host`, 'service', ...args]
    return (await programs.run({ id, command: 'python3', args: words, timeoutS })).stdout
  }
}
