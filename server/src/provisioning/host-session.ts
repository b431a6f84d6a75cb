import { readFile } from 'node:fs/promises'
import { PLAYBOOKS_FOLDER } from '../platform/archives/host-tools.ts'
import { connectSsh, type SshSession, type SshTarget } from '../platform/ssh/index.ts'
import type { ProvisioningPorts } from './install-ports.ts'

const PROGRESS_STEPS = 4
/** Uploads below this size report only their end. */
const SMALL_BYTES = 8_000_000
const PROGRESS_INTERVAL_MS = 10_000

/** Writes our own lines into an installation's log, in order with the output of programs. */
export class HostLog {
  readonly #write: ProvisioningPorts['log']
  #last: Promise<void> = Promise.resolve()
  readonly #written = new Set<string>()

  constructor(write: ProvisioningPorts['log']) {
    this.#write = write
  }

  /** Writes output of a program unchanged. */
  output = (stream: 'stdout' | 'stderr', data: Buffer): Promise<void> => {
    this.#last = this.#last.then(() => this.#write(stream, data))
    return this.#last
  }

  line(text: string): Promise<void> {
    return this.output('stdout', Buffer.from(`${text}\n`))
  }

  /** Writes a line unless it was written before. */
  async writeOnce(text: string): Promise<void> {
    if (this.#written.has(text)) return
    this.#written.add(text)
    await this.line(text)
  }

  /**
   * Reports the progress of an upload at every quarter, and every ten seconds on slow links. `settled` waits for the
   * last line.
   */
  progress(what: string, now: () => number = () => performance.now()) {
    const started = now()
    let reportedAt = started
    let reportedStep = 0
    let settled: Promise<void> = Promise.resolve()
    const onProgress = (sent: number, total: number) => {
      const steps = total < SMALL_BYTES ? 1 : PROGRESS_STEPS
      const step = total === 0 ? steps : Math.floor((sent / total) * steps)
      const time = now()
      if (step === reportedStep && time - reportedAt < PROGRESS_INTERVAL_MS) return
      reportedStep = step
      reportedAt = time
      const megabytesPerSecond = sent / 1e6 / Math.max((time - started) / 1000, 0.001)
      const percent = total === 0 ? 100 : Math.floor((sent / total) * 100)
      settled = this.line(
        `  ${what}: ${percent} % of ${(total / 1e6).toFixed(1)} MB, ${megabytesPerSecond.toFixed(1)} MB/s`,
      )
      // The error is thrown by `settled`; until then it must not end the process.
      settled.catch(() => undefined)
    }
    return { onProgress, settled: () => settled }
  }
}

/**
 * Connects to a host and runs `work`. Aborting `signal` cancels the connection attempt but not the session, so that the
 * work can stop and clean up.
 */
export async function withSession<T>(
  host: SshTarget,
  ports: Pick<ProvisioningPorts, 'onHostKey'>,
  log: HostLog,
  signal: AbortSignal,
  work: (session: SshSession) => Promise<T>,
): Promise<T> {
  await log.line(`Connecting to ${host.user}@${host.address} port ${host.port} over SSH`)
  const lifetime = new AbortController()
  const onAbort = () => lifetime.abort(signal.reason)
  signal.throwIfAborted()
  signal.addEventListener('abort', onAbort, { once: true })
  let session: SshSession
  try {
    session = await connectSsh({
      ...host,
      signal: lifetime.signal,
      onHostKey: async (fingerprint, algorithm) => {
        await log.line(`Trusting the host key ${fingerprint} (${algorithm}) on first use`)
        await ports.onHostKey(fingerprint, algorithm)
      },
    })
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}

/** Reads a program that runs on hosts, from `playbooks/host`. */
export const readHostScript = (name: 'preflight.sh' | 'remove.sh'): Promise<Buffer> =>
  readFile(`${PLAYBOOKS_FOLDER}/host/${name}`)

const ARGV = [
  'journalctl',
  '--unit=rollcall-agent.service',
  '--unit=rollcall-runner.service',
  '--lines=50',
  '--no-pager',
  '--output=short-iso',
]

/**
 * Writes the last fifty lines of the agent's journal to `ports.log`, for an agent that does not respond. Throws
 * `ssh.*`, `host.no_sudo` or `host.sudo_password_wrong`.
 */
export async function logAgentJournal(
  target: SshTarget,
  ports: ProvisioningPorts,
  signal: AbortSignal,
): Promise<void> {
  const log = new HostLog(ports.log)
  await withSession(target, ports, log, signal, async (session) => {
    await log.line("The last lines of the agent's log:")
    await session.exec(ARGV, { becomeRoot: true, signal, timeoutMs: 30_000, onOutput: log.output })
  })
}
