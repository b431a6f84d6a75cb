import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../bin/rollcall.cjs', import.meta.url))

/** The real program as a process, and what it said so far. */
export class Rollcall {
  readonly process: ChildProcessWithoutNullStreams
  private readonly said: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] }
  private readonly closed: Promise<unknown[]>

  constructor(args: readonly string[], env: NodeJS.ProcessEnv) {
    this.process = spawn(process.execPath, [LAUNCHER, ...args], {
      env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env },
    })
    this.process.stdout.on('data', (data) => this.said.stdout.push(data))
    this.process.stderr.on('data', (data) => this.said.stderr.push(data))
    this.process.stdin.on('error', () => undefined)
    this.closed = once(this.process, 'close')
  }

  get bytes(): Buffer {
    return Buffer.concat(this.said.stdout)
  }
  get stdout(): string {
    return this.bytes.toString()
  }
  get stderr(): string {
    return Buffer.concat(this.said.stderr).toString()
  }
  get lines(): { type: string; [key: string]: unknown }[] {
    return this.stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  }

  /** Its exit code, once it has ended and said everything. */
  async ended(): Promise<number | null> {
    const [code] = await this.closed
    return code as number | null
  }
}

/** Waits until something is so. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  const giveUpAt = Date.now() + 15_000
  while (!isSo()) {
    if (Date.now() > giveUpAt) throw new Error(`never came to be: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
