import type { Context } from '../context.ts'
import type { CommandInput } from './command-input.ts'
import { TerminalEscape } from './terminal-escape.ts'

/** The most columns or rows that the contract allows. */
const MAX_SIZE = 1000

/** Returns the size of the terminal; undefined if there is none, as when output goes to a file. */
export function toTerminalSize(stdout: Context['stdout']): { columns: number; rows: number } | undefined {
  const { columns, rows } = stdout
  if (!stdout.isTTY || !columns || !rows) return undefined
  return { columns: Math.min(columns, MAX_SIZE), rows: Math.min(rows, MAX_SIZE) }
}

/** Connects this terminal to one remote command: every key but `~.` goes there, and every change of size. */
export class TerminalSession {
  private readonly escape = new TerminalEscape()
  isStarted = false
  private isResizing = false
  private isSizeStale = false

  constructor(
    private readonly context: Context,
    private readonly commandId: string,
    private readonly input: CommandInput,
    private readonly onLeave: () => void,
  ) {}

  start(): void {
    const { stdin, stdout } = this.context
    this.isStarted = true
    // However the process ends, short of SIGKILL, the terminal is given back as it was.
    process.once('exit', this.restore)
    stdin.setRawMode(true)
    stdin.on('data', this.onTyped)
    stdout.on('resize', this.onResize)
    this.onResize()
  }

  stop(): void {
    if (!this.isStarted) return
    const { stdin, stdout } = this.context
    stdin.off('data', this.onTyped)
    stdin.pause()
    stdout.off('resize', this.onResize)
    process.off('exit', this.restore)
    this.restore()
  }

  private readonly restore = () => {
    if (this.context.stdin.isRaw) this.context.stdin.setRawMode(false)
  }

  private readonly onTyped = (typed: Buffer) => {
    const { data, isLeaving } = this.escape.feed(typed)
    if (data.length > 0) void this.input.push(data)
    if (isLeaving) this.onLeave()
  }

  /** One request at a time; sizes that come meanwhile become one more. A lost one matters little: the next corrects it. */
  private readonly onResize = () => {
    const size = toTerminalSize(this.context.stdout)
    if (!size) return
    if (this.isResizing) {
      this.isSizeStale = true
      return
    }
    this.isResizing = true
    this.context.api
      .call('resizeTerminal', { params: { id: this.commandId }, body: size })
      .catch(() => undefined)
      .finally(() => {
        this.isResizing = false
        if (!this.isSizeStale) return
        this.isSizeStale = false
        this.onResize()
      })
  }
}
