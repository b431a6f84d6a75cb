import { join } from 'node:path'
import type { AgentConfig, CredentialSet } from '@rollcall/contracts/agent'
import { replaceFileDurably } from '../platform/files.ts'

/** Where a configuration keeps its certificate and key. */
export const certificatePathOf = (folder: string) => join(folder, 'ssl', 'agent.crt')
export const privateKeyPathOf = (folder: string) => join(folder, 'ssl', 'agent.key')

/** As installations write it, so that one which changes nothing finds nothing changed. */
const toText = (config: AgentConfig) => `${JSON.stringify(config, null, 2)}\n`

/**
 * Writes credentials so that at every moment the disk holds one whole set that works. `config.json` is replaced as one, and
 * carries a new certificate and key until both stand in their own files.
 */
export class CredentialFile {
  readonly #path: string
  readonly #folder: string
  readonly #replace: typeof replaceFileDurably

  /** `replace` is how each file gets its new text: whole, and on the disk when it resolves. */
  constructor(configPath: string, replace = replaceFileDurably) {
    this.#path = configPath
    this.#folder = join(configPath, '..')
    this.#replace = replace
  }

  async stage(config: AgentConfig, rotationId: string, credentials: CredentialSet): Promise<AgentConfig> {
    const next: AgentConfig = { ...config, staged: { rotation_id: rotationId, credentials } }
    await this.#replace(this.#path, toText(next))
    return next
  }

  /** What is staged takes the place of what was. */
  async commit(config: AgentConfig): Promise<AgentConfig> {
    if (!config.staged) throw new Error('nothing is staged')
    const { staged, ...rest } = config
    const { certificate, private_key, ...plain } = staged.credentials
    const next: AgentConfig = {
      ...rest,
      ...plain,
      require_signatures: true,
      committed_rotation: staged.rotation_id,
      placing: { certificate, private_key },
    }
    await this.#replace(this.#path, toText(next))
    return this.place(next)
  }

  /** Finishes a commit whose certificate and key may not stand in their own files yet. */
  async place(config: AgentConfig): Promise<AgentConfig> {
    if (!config.placing) return config
    const { placing, ...rest } = config
    await this.#replace(privateKeyPathOf(this.#folder), placing.private_key)
    await this.#replace(certificatePathOf(this.#folder), placing.certificate)
    await this.#replace(this.#path, toText(rest))
    return rest
  }
}
