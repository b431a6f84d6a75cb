import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import type { ControlGroup } from './cgroup.ts'
import { poll } from './poll.ts'
import { searchPath } from './tools.ts'

export interface MachineSpec {
  /** systemd-nspawn's name for it: unique on this machine, at most 12 bytes. */
  name: string
  hostname: string
  root: string
  bridge: string
  group: ControlGroup
  /** Where the console's output is appended. */
  consoleLog: string
  /** Grants and binds beyond systemd-nspawn's defaults. */
  nspawnArgs: readonly string[]
}

export interface Ending {
  code: number | null
  signal: NodeJS.Signals | null
}

// systemd-nspawn with --keep-unit leaves it to its caller to start a host anew that asked for a reboot.
const EXIT_FORCE_RESTART = 133

/** One power-on of a host: a systemd-nspawn process, from its start to its end. */
export class Machine {
  readonly ended: Promise<Ending>
  readonly #nspawn: ChildProcess
  readonly #group: ControlGroup
  #ending: Ending | undefined
  #initPid: number | undefined

  private constructor(nspawn: ChildProcess, group: ControlGroup) {
    this.#nspawn = nspawn
    this.#group = group
    this.ended = new Promise((resolve) => {
      nspawn.once('exit', (code, signal) => {
        this.#ending = { code, signal }
        resolve(this.#ending)
      })
    })
  }

  static async start(spec: MachineSpec): Promise<Machine> {
    await spec.group.remove() // Of an earlier power-on: its units' groups would be found by the next systemd.
    await spec.group.create()
    // PID 1 of this machine need not be systemd: nspawn must neither register the host nor ask for a scope.
    const bare = ['-q', '--register=no', '--keep-unit', '--resolv-conf=off', '--timezone=off', '--boot']
    const net = [`--network-bridge=${spec.bridge}`, `--machine=${spec.name}`, `--hostname=${spec.hostname}`]
    const nspawn = ['systemd-nspawn', ...bare, ...net, `--directory=${spec.root}`, ...spec.nspawnArgs]
    // The shell puts itself into the host's group and becomes nspawn: a process cannot be born elsewhere from here.
    const enter = 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"'
    const console_ = await open(spec.consoleLog, 'a')
    try {
      const child = spawn('sh', ['-c', enter, 'sh', spec.group.path, ...nspawn], {
        stdio: ['ignore', console_.fd, console_.fd],
        detached: true, // Ctrl-C at a terminal is for the bed's owner, which closes the bed in order.
        env: { ...process.env, PATH: searchPath, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' },
      })
      const machine = new Machine(child, spec.group)
      await once(child, 'spawn')
      return machine
    } finally {
      await console_.close()
    }
  }

  /** How it ended, or undefined while it runs. */
  get ending(): Ending | undefined {
    return this.#ending
  }

  static isReboot(ending: Ending): boolean {
    return ending.code === EXIT_FORCE_RESTART
  }

  /** The pid, as this machine counts, of the host's PID 1. Waits for it while the host is being set up. */
  async initPid(): Promise<number> {
    this.#initPid ??= await poll(() => this.#findInit(), {
      timeoutMs: 10_000,
      what: 'the host to have a PID 1',
    })
    return this.#initPid
  }

  /** The power goes: no process of the host runs one more instruction, and nothing is flushed or told. */
  async kill(): Promise<void> {
    if (!this.#ending) this.#nspawn.kill('SIGKILL')
    // Killing nspawn alone leaves the host's init running, adopted by the machine's own.
    await this.#group.kill()
    await this.ended
  }

  async #findInit(): Promise<number | undefined> {
    if (this.#ending) throw new Error(`systemd-nspawn has ended: ${describeEnding(this.#ending)}`)
    const pid = this.#nspawn.pid
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
    for (const child of children.trim().split(' ').filter(Boolean)) {
      const status = await readFile(`/proc/${child}/status`, 'utf8').catch(ignoreGone)
      if (/^NSpid:.*\t1$/m.test(status)) return Number(child)
    }
    return undefined
  }
}

export function describeEnding({ code, signal }: Ending): string {
  return signal ? `killed by ${signal}` : `exit code ${code}`
}

/** nspawn's short-lived helpers come and go while we look. */
function ignoreGone(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT' || error.code === 'ESRCH') return ''
  throw error
}
