import { join } from 'node:path'
import type { AgentConfig, CredentialSet } from '@rollcall/contracts/agent'
import { replaceFileDurably } from '../../platform/files.ts'

/** Return the paths of certificate and key in a configuration folder. */
export const toCertificatePath = (folder: string) => join(folder, 'ssl', 'agent.crt')
export const toPrivateKeyPath = (folder: string) => join(folder, 'ssl', 'agent.key')

/** Formats a config as installations do, so that a reinstallation without changes finds no difference. */
const toText = (config: AgentConfig) => `${JSON.stringify(config, null, 2)}\n`

/**
 * Writes credentials so that at every moment the disk holds one complete set that works. `config.json` is replaced atomically and
 * carries a new certificate and key until both are in their own files.
 */
export class CredentialFile {
  readonly #path: string
  readonly #folder: string
  readonly #replace: typeof replaceFileDurably

  /** `replace` writes a file atomically and durably. */
  constructor(configPath: string, replace = replaceFileDurably) {
    this.#path = configPath
    this.#folder = join(configPath, '..')
    this.#replace = replace
  }

  /** Adds a second set. Returns the new config. */
  async stage(config: AgentConfig, rotationId: string, credentials: CredentialSet): Promise<AgentConfig> {
    const next: AgentConfig = { ...config, staged: { rotation_id: rotationId, credentials } }
    await this.#replace(this.#path, toText(next))
    return next
  }

  /** Replaces the present set by the staged one. Returns the new config. */
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
    return this.finishCommit(next)
  }

  /** Finishes a commit by writing certificate and key to their own files. Returns the new config. */
  async finishCommit(config: AgentConfig): Promise<AgentConfig> {
    if (!config.placing) return config
    const { placing, ...rest } = config
    await this.#replace(toPrivateKeyPath(this.#folder), placing.private_key)
    await this.#replace(toCertificatePath(this.#folder), placing.certificate)
    await this.#replace(this.#path, toText(rest))
    return rest
  }
}
