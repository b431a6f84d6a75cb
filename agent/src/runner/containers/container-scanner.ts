import { sanitizeText } from '@rollcall/contracts'
import { type Container, type ContainerEngineName, MAX_CONTAINERS } from '@rollcall/contracts/agent'
import type { Clock } from '../../platform/clock.ts'
import { isDiskFault, readIfThere, replaceFile, unlessDiskFault } from '../../platform/files.ts'
import { helperEnvironment } from '../../platform/helper-environment.ts'
import type { Log } from '../../platform/log.ts'
import {
  type ContainerReport,
  containerReport,
  type EngineReport,
  type EngineScan,
  toReport,
} from '../../spool/container-report.ts'
import { type RunningProgram, run } from '../bounded-program.ts'
import { resolveProgram } from '../resolve-program.ts'
import { DOCKER_FORMAT, parseDocker, parsePodman, UnreadableOutput } from './engine-output.ts'

const TIMEOUT_MS = 10_000
const MAX_OUTPUT_BYTES = 1024 * 1024

/** Runs the engine's program. Returns its standard output. Throws `ScanFailure` unless it succeeded. */
type RunEngine = (args: readonly string[], options?: { tolerates?: RegExp }) => Promise<string>

/** Lists the containers of each engine. The arguments are constant: nothing that a caller sent is among them. */
const QUERIES: Record<
  ContainerEngineName,
  (run: RunEngine) => Promise<{ containers: Container[]; total: number }>
> = {
  async podman(run) {
    const containers = parsePodman(await run(['ps', '--all', '--format', 'json']))
    return { containers, total: containers.length }
  },
  async docker(run) {
    const ids = (await run(['ps', '--all', '--no-trunc', '--quiet']))
      .split('\n')
      .filter((line) => /^[0-9a-f]{12,64}$/.test(line))
    if (ids.length === 0) return { containers: [], total: 0 }
    const inspected = ids.slice(0, MAX_CONTAINERS)
    // A container that was removed between the two queries is named on standard error, and the others are printed.
    const output = await run(['inspect', '--type', 'container', '--format', DOCKER_FORMAT, ...inspected], {
      tolerates: /^(error( response from daemon)?: no such container: [0-9a-f]+\s*)+$/i,
    })
    const containers = parseDocker(output)
    return { containers, total: ids.length - inspected.length + containers.length }
  },
}

/** Pins each client to the engine of this host: root's own settings may point it at another host's engine. */
const ENVIRONMENT: Record<ContainerEngineName, Record<string, string>> = {
  podman: {},
  docker: { DOCKER_HOST: 'unix:///run/docker.sock' },
}

interface Parts {
  /** The file of the report. */
  path: string
  clock: Clock
  log: Log
  /** Called whenever work begins or ends. */
  onBusyChange(): void
  /** Replaces the environment in which the engines' programs are looked up and run. */
  environment?: Record<string, string>
}

/** An engine's program could not be run, or failed. The message says which and why. */
class ScanFailure extends Error {}

/** Scans the container engines on request, one at a time, and leaves a report for the agent. */
export class ContainerScanner {
  #isScanning = false
  #isStopped = false
  #program: RunningProgram | null = null

  constructor(private readonly parts: Parts) {}

  get isBusy(): boolean {
    return this.#isScanning
  }

  /** Starts a scan. A request that arrives during a scan is answered by that scan. */
  scan(engines: readonly ContainerEngineName[]): void {
    if (this.#isScanning || this.#isStopped) return
    this.#isScanning = true
    this.parts.onBusyChange()
    void this.#scan(engines).finally(() => {
      this.#isScanning = false
      this.parts.onBusyChange()
    })
  }

  /** Kills the running query and starts no other one. */
  stop(): void {
    this.#isStopped = true
    this.#program?.kill()
  }

  async #scan(names: readonly ContainerEngineName[]): Promise<void> {
    const { clock } = this.parts
    const before = this.#read()
    const startedMs = clock.monotonicMs()
    const engines: EngineReport[] = []
    for (const name of names) {
      const scan = await this.#query(name)
      // Killed because the runner stops: this is no failure of the engine, and the last report stays.
      if (this.#isStopped) return
      const last = before?.engines.find((engine) => engine.name === name)
      if ('failure' in scan && scan.failure !== last?.failure)
        this.parts.log.error('containers.not_seen', { engine: name, reason: scan.failure })
      engines.push(toReport(name, scan, last, clock.epochMs()))
    }
    this.#write({ took_ms: clock.monotonicMs() - startedMs, engines })
    // A program that survived KILL must not be joined by a second one.
    await this.#program?.gone
  }

  async #query(name: ContainerEngineName): Promise<EngineScan> {
    const env = { ...(this.parts.environment ?? helperEnvironment()), ...ENVIRONMENT[name] }
    try {
      return await QUERIES[name]((args, options) => this.#run(name, args, env, options?.tolerates))
    } catch (error) {
      if (error instanceof ScanFailure) return { failure: error.message }
      if (error instanceof UnreadableOutput)
        return {
          failure: sanitizeText(`${name} printed output that cannot be parsed: ${error.message}.`, 500),
        }
      // A defect in a scan must not end the runner, and the commands with it.
      this.parts.log.error('containers.defect', { engine: name, error: String((error as Error).stack) })
      return { failure: sanitizeText(`${name} could not be queried: ${(error as Error).message}`, 500) }
    }
  }

  async #run(
    name: string,
    args: readonly string[],
    env: Record<string, string>,
    tolerates?: RegExp,
  ): Promise<string> {
    const program = resolveProgram(name, '/', env.PATH ?? '')
    if (!('path' in program)) throw new ScanFailure(sanitizeText(program.message, 500))
    const spec = { path: program.path, args, env, timeoutMs: TIMEOUT_MS, maxBytes: MAX_OUTPUT_BYTES }
    this.#program = run(spec, this.parts.clock)
    const outcome = await this.#program.outcome
    if (outcome.kind === 'failed') throw new ScanFailure(`${name} ${outcome.reason}.`)
    if (outcome.code !== 0 && !tolerates?.test(outcome.stderr)) {
      const words = lastLine(outcome.stderr)
      throw new ScanFailure(sanitizeText(`${name} exited with ${outcome.code}${words && `: ${words}`}`, 500))
    }
    return outcome.stdout
  }

  #read(): ContainerReport | null {
    try {
      const text = readIfThere(this.parts.path)
      return text === null ? null : (containerReport.safeParse(JSON.parse(text)).data ?? null)
    } catch (error) {
      if (error instanceof SyntaxError || isDiskFault(error)) return null
      throw error
    }
  }

  #write(report: ContainerReport): void {
    unlessDiskFault(
      () => replaceFile(this.parts.path, JSON.stringify(report)),
      (error) => this.parts.log.error('containers.not_written', { error }),
    )
  }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''
