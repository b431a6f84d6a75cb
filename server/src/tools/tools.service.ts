import { Injectable } from '@nestjs/common'
import { AGENT_PATHS } from '@rollcall/contracts/agent'
import { AgentsService } from '../agents/index.ts'
import { Artifacts } from '../artifacts/index.ts'
import { AgentFiles, type TreeMember, toTreeMember } from '../files/index.ts'
import { memoizeAsync } from '../platform/memoize-async.ts'

/** The tools on a host. */
export interface HostTools {
  /** The hash of the tree. */
  version: string
  /** Their folder on the host, which stays unchanged until two later versions were installed. */
  path: string
  /** True where something was sent. */
  isNew: boolean
}

/** Keeps the playbooks and the Ansible bundle on hosts up to date, as one tree named by its hash. */
@Injectable()
export class ToolsService {
  /** Reads and compresses the tools once; they use about 3 MB of memory. */
  private readonly tree = memoizeAsync(() => this.readTree())
  private readonly inFlight = new Map<string, Promise<HostTools>>()

  constructor(
    private readonly agents: AgentsService,
    private readonly files: AgentFiles,
    private readonly artifacts: Artifacts,
  ) {}

  /**
   * Ensures that the host has this server's tools and that `current` points to them. Concurrent calls for one host are
   * merged. Throws what `AgentFiles.uploadTree` throws.
   */
  async ensure(hostId: string, signal: AbortSignal): Promise<HostTools> {
    while (true) {
      const known = this.inFlight.get(hostId)
      if (known === undefined) break
      const shared = await known.catch(() => null)
      if (shared !== null) return { ...shared, isNew: false }
      // The shared call may have failed because its caller cancelled it.
      signal.throwIfAborted()
    }
    const sending = this.sync(hostId, signal).finally(() => this.inFlight.delete(hostId))
    this.inFlight.set(hostId, sending)
    return sending
  }

  private async sync(hostId: string, signal: AbortSignal): Promise<HostTools> {
    const { version, files } = await this.tree()
    const path = `${AGENT_PATHS.tools}/${version}`
    const { version: there } = await this.agents.call(hostId, 'get_tools', {}, { signal })
    if (there === version) return { version, path, isNew: false }
    await this.files.uploadTree(
      hostId,
      { destination: path, files, makeParents: true, publishAs: 'current' },
      signal,
    )
    return { version, path, isNew: true }
  }

  private async readTree(): Promise<{ version: string; files: TreeMember[] }> {
    const tools = await this.artifacts.tools()
    const files: TreeMember[] = []
    // A copy of each, which does not keep the whole archive in memory.
    for (const file of await tools.files())
      files.push(await toTreeMember({ ...file, data: Buffer.from(file.data) }))
    return { version: tools.version, files: files.sort((a, b) => (a.path < b.path ? -1 : 1)) }
  }
}
