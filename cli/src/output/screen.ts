import type { WriteStream } from 'node:tty'
import type { FrameLine } from './fleet-frame.ts'

// A screen of its own, without a cursor, where long lines end at the edge instead of running on into the next.
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l'
const CLEAR_LINE = '\x1b[2K'
const CLEAR_BELOW = '\x1b[J'
const HOME = '\x1b[H'

const COLOURS = { plain: '', faint: '2', warning: '33', bad: '31' }

/** The whole terminal, redrawn at will and restored on leaving, on Ctrl-Z and when the process ends. */
export class Screen {
  private isOpen = false

  constructor(
    private readonly stdout: WriteStream,
    private readonly isColoured: boolean,
  ) {}

  open(): void {
    if (this.isOpen) return
    this.isOpen = true
    process.on('exit', this.leave)
    process.on('SIGTSTP', this.suspend)
    this.stdout.write(ENTER)
  }

  close(): void {
    process.off('exit', this.leave)
    process.off('SIGTSTP', this.suspend)
    this.leave()
  }

  /** Draws nothing while the terminal has not taken what was drawn before. */
  draw(lines: readonly FrameLine[]): void {
    if (!this.isOpen || this.stdout.writableNeedDrain) return
    const drawn = lines.map((line) => CLEAR_LINE + this.coloured(line)).join('\r\n')
    const rest = lines.length < this.stdout.rows ? `\r\n${CLEAR_BELOW}` : ''
    this.stdout.write(HOME + drawn + rest)
  }

  private coloured({ text, tone }: FrameLine): string {
    const code = COLOURS[tone]
    return this.isColoured && code && text ? `\x1b[${code}m${text}\x1b[0m` : text
  }

  private readonly leave = (): void => {
    if (this.isOpen) this.stdout.write(LEAVE)
    this.isOpen = false
  }

  /** Gives the terminal back before the process is stopped by the signal's own doing, and takes it again afterwards. */
  private readonly suspend = (): void => {
    this.close()
    process.kill(process.pid, 'SIGTSTP')
    setImmediate(() => this.open())
  }
}
