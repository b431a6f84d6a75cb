import { createHash } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { AGENT_PATHS } from '@rollcall/contracts/agent'
import { AgentsService } from '../agents/index.ts'
import { Artifacts } from '../artifacts/index.ts'
import { memoryBlob } from '../blobs/index.ts'
import { AgentFiles, type TreeMember } from '../files/index.ts'
import { PLAYBOOKS_FOLDER, readTools } from '../platform/archives/host-tools.ts'

/** The tools that a host has now. */
export interface HostTools {
  /** The hash of all that is in them. */
  version: string
  /** Their folder on the host. It stays as it is while two later versions have not come. */
  path: string
  /** True if anything was sent. */
  isNew: boolean
}

/** Keeps the playbooks, and an Ansible that needs nothing but python3, in step on the hosts: as one tree that is named by its content. */
@Injectable()
export class ToolsService {
  private tree: Promise<{ version: string; files: TreeMember[] }> | null = null
  private readonly underWay = new Map<string, Promise<HostTools>>()

  constructor(
    private readonly agents: AgentsService,
    private readonly files: AgentFiles,
    private readonly artifacts: Artifacts,
  ) {}

  /**
   * Makes the host have this server's tools, whole and on its disk, and `current` lead to them. Sends nothing
   * where it has them already. Several calls for one host at once are one. Throws what `AgentFiles.uploadTree` throws.
   */
  async ensure(hostId: string, signal: AbortSignal): Promise<HostTools> {
    while (true) {
      const known = this.underWay.get(hostId)
      if (known === undefined) break
      const shared = await known.catch(() => null)
      if (shared !== null) return { ...shared, isNew: false }
      // It may have failed because its caller gave it up.
      signal.throwIfAborted()
    }
    const sending = this.sync(hostId, signal).finally(() => this.underWay.delete(hostId))
    this.underWay.set(hostId, sending)
    return sending
  }

  private async sync(hostId: string, signal: AbortSignal): Promise<HostTools> {
    const { version, files } = await this.load()
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

  private load() {
    if (this.tree) return this.tree
    const loading = this.read()
    this.tree = loading
    loading.catch(() => {
      this.tree = null
    })
    return loading
  }

  /** Read and compressed once; about 3 MB that stay in memory. */
  private async read(): Promise<{ version: string; files: TreeMember[] }> {
    const tools = await readTools(await this.artifacts.ansibleBundle(), PLAYBOOKS_FOLDER)
    const files: TreeMember[] = []
    for (const { path, mode, data } of await tools.files()) {
      const sha256 = createHash('sha256').update(data).digest('hex')
      files.push({
        path,
        mode,
        size: data.length,
        sha256,
        source: { blob: await memoryBlob(Buffer.from(data)) },
      })
    }
    return { version: tools.version, files: files.sort((a, b) => (a.path < b.path ? -1 : 1)) }
  }
}
