import { createHash } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  AGENT_PATHS,
  type AgentParams,
  type AgentResult,
  COMMAND_METHODS,
  collectionFolder,
} from '@rollcall/contracts/agent'
import { replaceFileDurably } from '../../platform/files.ts'
import type { CommandsService } from './commands.service.ts'

type Params = AgentParams<'execute_ansible'>

/**
 * Runs playbooks as commands of the runner. The job is passed in a file of mode 0600, which the program removes once it has read it:
 * variables are in no argv, environment or command record.
 */
export class PlaybookCommands {
  readonly #folder: string
  readonly #commands: CommandsService

  constructor(state: string, commands: CommandsService) {
    this.#folder = join(state, 'playbooks')
    this.#commands = commands
  }

  /** Accepts a playbook as a command. Throws as `CommandsService.execute`. */
  async execute(params: Params): Promise<AgentResult<'execute_ansible'>> {
    const path = this.#path(params.command_id)
    const script = `${AGENT_PATHS.tools}/${params.tools_version}/playbooks/host/run_playbook.py`
    const program = COMMAND_METHODS.execute_command.params.parse({
      command_id: params.command_id,
      command: 'python3',
      args: [script, path, '--login'],
      timeout: params.timeout,
    })
    return this.#commands.execute(program, {
      hash: hashParams(params),
      beforeAccepted: async () => {
        await mkdir(this.#folder, { recursive: true, mode: 0o700 })
        await replaceFileDurably(path, JSON.stringify(toJob(params)))
      },
    })
  }

  /** Removes the job of a command that has ended or will not start. */
  async remove(commandId: string): Promise<void> {
    await rm(this.#path(commandId), { force: true })
  }

  /** Removes the jobs of commands that were not accepted or have ended. */
  async sweep(): Promise<void> {
    const files = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    })
    const running = new Set(this.#commands.running())
    for (const file of files)
      if (!running.has(file.replace(/\.json(\.tmp)?$/, '')))
        await rm(join(this.#folder, file), { force: true })
  }

  #path(commandId: string): string {
    return join(this.#folder, `${commandId}.json`)
  }
}

/** Returns the job as `run_playbook.py` reads it, and three of its fields also by the names that the tools of earlier servers know. */
function toJob({ command_id: _id, tools_version: _version, ...job }: Params) {
  const { collection, extra_vars: variables, expected_digest: expected } = job
  const project = collection ? collectionFolder(collection) : null
  // The runner ends it in time.
  return { ...job, timeout: null, project, variables, expected }
}

const hashParams = (params: Params): string =>
  createHash('sha256')
    .update(JSON.stringify(Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1))))
    .digest('base64url')
