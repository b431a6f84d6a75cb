import { Injectable } from '@nestjs/common'
import { type ErrorCode, RollcallError, sanitizeText } from '@rollcall/contracts'
import { AGENT_PATHS } from '@rollcall/contracts/agent'
import { Artifacts } from '../artifacts/index.ts'
import { hostProgram } from '../platform/archives/host-program.ts'
import type { SshExecOptions, SshSession } from '../platform/ssh/index.ts'

const INSTALL_TIMEOUT_MS = 180_000
const MAX_OUTPUT_BYTES = 2000
const NO_SUCH_PROGRAM = 127

/** Installs the tools on a host over SSH: the same tree and place as `ToolsService` through the agent. */
@Injectable()
export class SshTools {
  constructor(private readonly artifacts: Artifacts) {}

  /**
   * Ensures that the host has this server's tools and returns their folder. Throws `host.no_python`, `host.no_disk`,
   * `host.read_only`, `playbook.no_tools`, what `SshSession.exec` throws, or the signal's reason.
   */
  async ensure(session: SshSession, signal: AbortSignal): Promise<string> {
    const tools = await this.artifacts.tools()
    const folder = `${AGENT_PATHS.tools}/${tools.version}`
    const found = await run(session, ['cat', '--', `${folder}/VERSION`], { signal })
    if (found.stdout.trim() === tools.version) return folder
    const { argv, stdin } = await hostProgram(['lay-out-tools', tools.version], await tools.archive())
    const { exitCode, stderr } = await run(session, argv, { signal, timeoutMs: INSTALL_TIMEOUT_MS, stdin })
    if (exitCode === 0) return folder
    throw toInstallError(exitCode, stderr)
  }

  /** Runs a verb of `rollcall_host`, from the tools in `folder`, with `stdin`. Throws like `ensure`. */
  async runProgram(
    session: SshSession,
    folder: string,
    words: readonly [verb: string, ...words: string[]],
    stdin: Buffer,
    signal: AbortSignal,
  ): Promise<void> {
    const argv = ['python3', '-I', `${folder}/playbooks/host`, ...words]
    const { exitCode, stderr } = await run(session, argv, { signal, timeoutMs: INSTALL_TIMEOUT_MS, stdin })
    if (exitCode !== 0) throw toInstallError(exitCode, stderr)
  }
}

async function run(session: SshSession, argv: string[], options: SshExecOptions) {
  const said = { stdout: '', stderr: '' }
  const { exitCode } = await session.exec(argv, {
    ...options,
    becomeRoot: true,
    onOutput: (stream, data) => {
      said[stream] = (said[stream] + data.toString('utf8')).slice(-MAX_OUTPUT_BYTES)
    },
  })
  return { exitCode, ...said }
}

function toInstallError(exitCode: number | null, stderr: string): RollcallError {
  if (exitCode === NO_SUCH_PROGRAM)
    return new RollcallError('host.no_python', 'The host has no python3. Install it, then try again.')
  const [code, remedy]: [ErrorCode, string] = /No space left on device|Disk quota exceeded/i.test(stderr)
    ? ['host.no_disk', 'Free disk space on the host']
    : /Read-only file system/i.test(stderr)
      ? ['host.read_only', 'Mount it read-write']
      : ['playbook.no_tools', 'Fix the cause on the host']
  const last = stderr.trim().split('\n').at(-1) ?? ''
  const what = last === '' ? `the program for it exited with ${exitCode}` : sanitizeText(last, 500)
  return new RollcallError(
    code,
    `Failed to install the playbooks on the host over SSH: ${what}. ${remedy}, then try again.`,
  )
}
