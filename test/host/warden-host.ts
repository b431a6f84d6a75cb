import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type InstanceReport, instanceReport } from '@rollcall/contracts/agent'

const HOST_PROGRAM = fileURLToPath(new URL('../../playbooks/host', import.meta.url))
/** The system's own, as on hosts, where there is one. */
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'
/** Packs the program as it is done on hosts. */
const PACK = `import sys; sys.path.insert(0, sys.argv[1])
from rollcall_host.services import program
open(sys.argv[2], "wb").write(program.add_compiled(program.pack(), b""))`

/** systemd, of which the warden asks nothing but to show units: each is a file. */
const SYSTEMCTL = `#!/bin/sh
shift 3
for unit; do cat "$UNITS/$unit"; echo; done
`
/** podman, which the warden has run programs in containers: here they run beside it. */
const PODMAN = `#!/bin/sh
[ "$1 $2" = "exec --env" ] || exit 125
export "$3"
shift 4
exec "$@"
`
/** The first process of a container: it takes the name of each line that it reads. */
const CONTAINER = 'while read -r name; do printf %s "$name" >/proc/$$/comm; done'

export type Probe = Record<string, unknown>

/** A process that stands for a container, with a unit that says that it runs. */
interface Container {
  process: ChildProcess
  unit: string
}

/** A warden in a process of its own, on a host whose systemd, podman and containers are stand-ins. */
export class WardenHost implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'rollcall-warden-'))
  readonly program = join(this.folder, 'rollcall_host.zip')
  readonly #containers = new Map<string, Container>()
  warden: ChildProcess | undefined
  /** The lines that the warden has written to its journal. */
  journal = ''

  constructor() {
    for (const name of ['bin', 'units', 'etc']) mkdirSync(join(this.folder, name))
    writeFileSync(join(this.folder, 'bin/systemctl'), SYSTEMCTL, { mode: 0o755 })
    writeFileSync(join(this.folder, 'bin/podman'), PODMAN, { mode: 0o755 })
    execFileSync(PYTHON, ['-c', PACK, HOST_PROGRAM, this.program])
  }

  start(): ChildProcess {
    const at = (name: string) => join(this.folder, name)
    this.warden = spawn(PYTHON, ['-I', this.program, 'warden'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: `${at('bin')}:${process.env.PATH}`,
        UNITS: at('units'),
        ROLLCALL_SERVICES_ETC: at('etc'),
        ROLLCALL_WARDEN_REPORT: at('report.json'),
        // As its unit has it.
        MALLOC_ARENA_MAX: '1',
        MALLOC_MMAP_THRESHOLD_: '131072',
        MALLOC_TRIM_THRESHOLD_: '131072',
      },
    })
    this.warden.stderr?.on('data', (data) => {
      this.journal += data
    })
    return this.warden
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const { warden } = this
    if (warden === undefined || warden.exitCode !== null || warden.signalCode !== null) return null
    const exited = once(warden, 'exit')
    warden.kill(signal)
    return (await exited)[0] as number | null
  }

  /** Creates an instance with one container, which runs, and one check of it. */
  add(id: string, probe: Probe, more: Record<string, unknown> = {}): void {
    const check = {
      container: 'web',
      probe,
      is_critical: true,
      interval_ms: 1000,
      timeout_ms: 2000,
      fails: 2,
      passes: 3,
      start_period_ms: 0,
      ...more,
    }
    this.run(id)
    this.put(id, {
      revision: 'a'.repeat(64),
      containers: [{ name: 'web', is_job: false, ports: [], resources: null }],
      checks: [check],
    })
  }

  /** Writes the files of an instance, as `start` of the host program leaves them. */
  put(id: string, order: unknown, generation = 1): void {
    const folder = join(this.folder, 'etc', id)
    mkdirSync(join(folder, String(generation)), { recursive: true })
    writeFileSync(join(folder, String(generation), 'instance.json'), JSON.stringify(order))
    writeFileSync(join(folder, 'state.new'), JSON.stringify({ generation, wanted: 'running' }))
    renameSync(join(folder, 'state.new'), join(folder, 'state.json'))
  }

  /** Starts the process of an instance's container. */
  run(id: string, restarts = 0): void {
    const process = spawn('sh', ['-c', CONTAINER], { stdio: ['pipe', 'ignore', 'ignore'] })
    const container = { process, unit: `rollcall-i-${id}-web.service` }
    this.#containers.set(id, container)
    const startedUs = Math.floor(Number.parseFloat(readFileSync('/proc/uptime', 'utf8')) * 1e6)
    this.#writeUnit(container.unit, {
      ActiveState: 'active',
      SubState: 'running',
      Result: 'success',
      MainPID: process.pid,
      NRestarts: restarts,
      ExecMainStartTimestampMonotonic: startedUs,
    })
  }

  /** Ends the container's process with a code, and has systemd wait before it starts it again. */
  die(id: string, code: number): void {
    const container = this.#container(id)
    this.#writeUnit(container.unit, {
      ActiveState: 'activating',
      SubState: 'auto-restart',
      Result: 'exit-code',
      MainPID: 0,
      NRestarts: 1,
      ExecMainCode: 1,
      ExecMainStatus: code,
      ExecMainStartTimestampMonotonic: 1,
      ExecMainExitTimestampMonotonic: 2,
    })
    container.process.kill('SIGKILL')
  }

  /** Gives the container's first process another name. */
  rename(id: string, name: string): void {
    this.#container(id).process.stdin?.write(`${name}\n`)
  }

  /** Reads the report as an agent does. Throws if it breaks the contract. */
  report(): InstanceReport | null {
    try {
      return instanceReport.parse(JSON.parse(readFileSync(join(this.folder, 'report.json'), 'utf8')))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    for (const { process } of this.#containers.values()) process.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }

  #container(id: string): Container {
    const container = this.#containers.get(id)
    if (container === undefined) throw new Error(`no instance ${id}`)
    return container
  }

  #writeUnit(unit: string, properties: Record<string, unknown>): void {
    const text = Object.entries({ Id: unit, ...properties }).map(([name, value]) => `${name}=${value}`)
    const path = join(this.folder, 'units', unit)
    writeFileSync(`${path}.new`, `${text.join('\n')}\n`)
    renameSync(`${path}.new`, path)
  }
}
