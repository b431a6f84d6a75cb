import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { pickSubnet, type Subnet } from '../bed/network.ts'
import { installRequirements } from '../bed/requirements.ts'
import { ask, run } from '../bed/tools.ts'

/** Why no namespace can be had on this machine, in words for whoever reads a skipped test; undefined when one can. */
export async function whyNoNamespace(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `network namespaces need Linux, not ${process.platform}`
  if (process.getuid?.() !== 0) return 'a network namespace of its own needs root'
  const { exitCode, stderr } = await ask('unshare', ['--net', 'true'])
  return exitCode === 0 ? undefined : `no network namespace can be made here: ${stderr}`
}

/**
 * A network namespace with a loopback and one cable to this machine, so that ten thousand addresses and the faults that
 * are put on them are nobody else's. The kernel removes it with its last process, and its first one ends when we do, in
 * whatever way.
 */
export class LoadNamespace implements AsyncDisposable {
  /** Where this machine finds what listens in the namespace. */
  readonly address: string
  readonly #holder: ChildProcess

  private constructor(holder: ChildProcess, subnet: Subnet) {
    this.#holder = holder
    this.address = subnet.address(2)
  }

  static async open(log: (line: string) => void = () => undefined): Promise<LoadNamespace> {
    const reason = await whyNoNamespace()
    if (reason) throw new Error(reason)
    await installRequirements(log)
    const subnet = await pickSubnet(() => false)
    const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const namespace = new LoadNamespace(holder, subnet)
    try {
      await once(holder.stdout, 'readable')
      if (holder.stdout.read() === null) throw new Error('unshare ended before the namespace was there')
      await namespace.#connect(subnet)
      return namespace
    } catch (error) {
      await namespace[Symbol.asyncDispose]()
      throw error
    }
  }

  /** The command in front of a program that runs it in here. It becomes that program, with its pid. */
  get enter(): readonly string[] {
    return ['nsenter', `--net=/proc/${this.#pid}/ns/net`, '--']
  }

  /** Runs a program of the machine in here to its end, and returns what it printed. */
  run(file: string, args: string[], input?: string): Promise<string> {
    const [program, ...before] = this.enter
    return run(program as string, [...before, file, ...args], input === undefined ? {} : { input })
  }

  /** Removes the cable; a process that still runs in here keeps the namespace. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#holder
    if (exitCode !== null || signalCode !== null) return
    const ended = once(this.#holder, 'exit')
    this.#holder.stdin?.end()
    await ended
  }

  get #pid(): number {
    if (this.#holder.pid === undefined) throw new Error('unshare could not be started')
    return this.#holder.pid
  }

  async #connect(subnet: Subnet): Promise<void> {
    const cable = subnet.bridge
    const pid = String(this.#pid)
    await run('ip', ['link', 'add', cable, 'type', 'veth', 'peer', 'name', 'up0', 'netns', pid])
    await run('ip', ['address', 'add', `${subnet.address(1)}/24`, 'dev', cable])
    await run('ip', ['link', 'set', cable, 'up'])
    await this.run('ip', ['address', 'add', `${this.address}/24`, 'dev', 'up0'])
    // So that what listens on its loopback can be shown to this machine too.
    await this.run('sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet'])
    for (const link of ['lo', 'up0']) await this.run('ip', ['link', 'set', link, 'up'])
  }
}
