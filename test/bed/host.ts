import { readFile } from 'node:fs/promises'
import { readBanner } from './banner.ts'
import { replaceSshHostKey } from './disk.ts'
import { Faults } from './faults.ts'
import type { Flavour } from './flavours.ts'
import { describeEnding, Machine, type MachineSpec } from './machine.ts'
import { deleteLink } from './network.ts'
import { poll } from './poll.ts'
import { ask, type Output } from './tools.ts'

const BOOT_TIMEOUT_MS = 90_000
const REBOOT_TIMEOUT_MS = 60_000

export interface HostSpec extends MachineSpec {
  flavour: Flavour
  address: string
  /** The host's port on the bridge. */
  port: string
}

export interface ExecOptions {
  input?: string
  /** 60 s by default. */
  timeoutMs?: number
  env?: Record<string, string>
}

/** A real Debian system with its own systemd, sshd, disk and address. Made by `Bed.boot`. */
export class Host {
  readonly name: string
  readonly flavour: Flavour
  readonly address: string
  /** The host's `/` as a folder of this machine. What is mounted inside the host does not show here. */
  readonly root: string
  readonly #spec: HostSpec
  readonly #faults: Faults
  #machine: Machine | undefined
  #powerOns = 0

  constructor(spec: HostSpec) {
    this.#spec = spec
    this.name = spec.hostname
    this.flavour = spec.flavour
    this.address = spec.address
    this.root = spec.root
    this.#faults = new Faults({
      port: spec.port,
      group: spec.group,
      initPid: () => this.#running().initPid(),
      exec: (argv) => this.exec(argv),
    })
  }

  /** Powers the host on, with its disk as it was, and waits until sshd greets. No-op for a running host. */
  async boot(): Promise<void> {
    if (!this.#machine) await this.#powerOn()
    await this.waitForSsh()
  }

  /** Takes the power away, with no warning. Its disk stays; frozen, cut or filled is all forgotten. */
  async powerOff(): Promise<void> {
    const machine = this.#machine
    this.#machine = undefined
    await machine?.kill()
    await deleteLink(this.#spec.port)
  }

  /** Restarts in order, as `systemctl reboot` does, and waits until sshd greets again. */
  async reboot(): Promise<void> {
    const before = this.#powerOns
    await this.output(['systemctl', 'reboot', '--no-block'])
    const what = `${this.name} to go down for its reboot`
    await poll(() => this.#powerOns > before, { timeoutMs: REBOOT_TIMEOUT_MS, what })
    await this.waitForSsh()
  }

  get isRunning(): boolean {
    return this.#machine !== undefined
  }

  /**
   * Runs a program inside the host as its root, past sshd and the network, so it works while both are broken.
   * It runs outside the host's control group: it is neither frozen with the host nor seen by its systemd.
   */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<Output> {
    const pid = await this.#running().initPid()
    const { input, timeoutMs, env = {} } = options
    const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    const variables = Object.entries({ PATH: path, HOME: '/root', LANG: 'C.UTF-8', ...env })
    const clean = ['env', '--ignore-environment', ...variables.map(([name, value]) => `${name}=${value}`)]
    const settings = { ...(input !== undefined && { input }), ...(timeoutMs !== undefined && { timeoutMs }) }
    return ask('nsenter', ['--target', String(pid), '--all', '--', ...clean, ...argv], settings)
  }

  /** As `exec`, throws when the exit code is not 0, and returns standard output. */
  async output(argv: readonly string[], options: ExecOptions = {}): Promise<string> {
    const { stdout, stderr, exitCode } = await this.exec(argv, options)
    if (exitCode !== 0)
      throw new Error(`${argv.join(' ')} exited ${exitCode} on ${this.name}: ${stderr || stdout}`)
    return stdout
  }

  /** Tests whether sshd greets within `timeoutMs` (1 s): a frozen host accepts a connection and then says nothing. */
  async isSshAnswering(timeoutMs = 1_000): Promise<boolean> {
    return (await readBanner(this.address, 22, timeoutMs))?.startsWith('SSH-') ?? false
  }

  async waitForSsh(timeoutMs = BOOT_TIMEOUT_MS): Promise<void> {
    const isUp = async () => {
      if (!this.#machine) throw await this.#bootError('it has powered off')
      const { ending } = this.#machine
      if (ending && !Machine.isReboot(ending)) throw await this.#bootError(describeEnding(ending))
      return this.isSshAnswering()
    }
    try {
      await poll(isUp, { timeoutMs, everyMs: 50, what: `sshd on ${this.name} (${this.address})` })
    } catch (error) {
      throw error instanceof BootError ? error : await this.#bootError((error as Error).message)
    }
  }

  /** Gives the host another SSH identity, at once if it runs. Returns the new public key's line. */
  async changeSshHostKey(): Promise<string> {
    const publicKey = await replaceSshHostKey(this.root)
    if (this.#machine) await this.output(['systemctl', 'restart', 'ssh.service'])
    return publicKey
  }

  /** The last lines of what the host has printed on its console, in all its power-ons. */
  async consoleTail(lineCount = 40): Promise<string> {
    const text = await readFile(this.#spec.consoleLog, 'utf8')
    return text.trimEnd().split('\n').slice(-lineCount).join('\n')
  }

  /** Stops every process of the host where it stands; the kernel still accepts its connections. */
  freeze = (): Promise<void> => this.#faults.freeze()
  thaw = (): Promise<void> => this.#faults.thaw()
  /** Pulls the network cable: the host sees its link go down. A reboot plugs it in again. */
  cut = (): Promise<void> => this.#faults.cut()
  mend = (): Promise<void> => this.#faults.mend()
  /** Drops every packet in and out without a word to either end; links stay up. A reboot ends it. */
  dropTraffic = (): Promise<void> => this.#faults.dropTraffic()
  restore = (): Promise<void> => this.#faults.restore()
  /** See `Faults.fillDisk`. */
  fillDisk = (path: string, roomBytes?: number): Promise<void> => this.#faults.fillDisk(path, roomBytes)
  freeDisk = (path: string): Promise<void> => this.#faults.freeDisk(path)

  async #powerOn(): Promise<void> {
    await deleteLink(this.#spec.port) // The kernel removes an earlier power-on's port late.
    const machine = await Machine.start(this.#spec)
    this.#machine = machine
    this.#powerOns++
    void machine.ended.then((ending) => this.#onEnded(machine, Machine.isReboot(ending)))
  }

  /** A host that asked for a reboot gets it, whoever asked; one that shut down is off. */
  async #onEnded(machine: Machine, isReboot: boolean): Promise<void> {
    if (this.#machine !== machine) return
    if (!isReboot) {
      this.#machine = undefined
      return
    }
    await this.#powerOn()
  }

  #running(): Machine {
    if (!this.#machine) throw new Error(`${this.name} is powered off`)
    return this.#machine
  }

  async #bootError(reason: string): Promise<BootError> {
    return new BootError(`${this.name} did not come up: ${reason}. Its console:\n${await this.consoleTail()}`)
  }
}

export class BootError extends Error {
  override readonly name = 'BootError'
}
