import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bed, Host } from '../bed/index.ts'

/** Plain OpenSSH to a host, as its root: what an administrator would use instead. */
export class SshPeer implements AsyncDisposable {
  readonly #folder: string
  readonly #target: string[]

  private constructor(folder: string, target: string[]) {
    this.#folder = folder
    this.#target = target
  }

  static async open(bed: Bed, host: Host): Promise<SshPeer> {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'))
    const settings = [
      'BatchMode=yes',
      'StrictHostKeyChecking=no',
      `UserKnownHostsFile=${join(folder, 'hosts')}`,
      'LogLevel=ERROR',
    ]
    const options = settings.flatMap((setting) => ['-o', setting])
    return new SshPeer(folder, ['-F', 'none', ...options, '-i', bed.key.path, `root@${host.address}`])
  }

  get #control(): string {
    return `ControlPath=${join(this.#folder, 'control')}`
  }

  /** Makes one connection that later sessions share. */
  async warmUp(): Promise<void> {
    const master = ['-o', 'ControlMaster=yes', '-o', 'ControlPersist=600', '-o', this.#control]
    const child = spawn('ssh', [...master, ...this.#target, 'true'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    await succeeded(child, 'the first connection of ssh')
  }

  /** Milliseconds from starting `ssh` to the first byte of output, over the warm connection. */
  async firstByteMs(...argv: string[]): Promise<number> {
    const started = performance.now()
    const child = spawn('ssh', ['-o', this.#control, ...this.#target, ...argv], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = succeeded(child, 'ssh')
    await once(child.stdout, 'data')
    const ms = performance.now() - started
    child.stdout.resume()
    await ended
    return ms
  }

  /** Milliseconds for a whole `ssh host …` on a connection of its own, its output thrown away. */
  async drainedMs(...argv: string[]): Promise<number> {
    const started = performance.now()
    const child = spawn('ssh', [...this.#target, ...argv], {
      stdio: ['ignore', openSync('/dev/null', 'w'), 'inherit'],
    })
    await succeeded(child, 'ssh')
    return performance.now() - started
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = spawn('ssh', ['-O', 'exit', '-o', this.#control, ...this.#target], { stdio: 'ignore' })
    await once(child, 'exit') // It fails when there was no shared connection, which is as well.
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** Resolves when a program has ended well and its output is closed. */
export async function succeeded(child: ChildProcess, what: string): Promise<void> {
  const [code, signal] = await once(child, 'close')
  if (code !== 0) throw new Error(`${what} ended with ${signal ?? code}`)
}
