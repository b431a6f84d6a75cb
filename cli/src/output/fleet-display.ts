import { sanitizeText } from '@rollcall/contracts'
import type { Context } from '../context.ts'
import type { FleetView, StateChange } from '../live/fleet-view.ts'
import { countStates, fleetFrame, formatFleetCounts } from './fleet-frame.ts'
import { formatReason } from './format-host.ts'
import { formatMoment } from './format-measure.ts'
import { jsonLine } from './json.ts'
import { isColoured } from './printer.ts'
import { Screen } from './screen.ts'
import { write } from './sink.ts'

/** Shows a fleet as it changes. A returned promise resolves when the reader of our output has caught up. */
export interface FleetDisplay {
  open?(): void
  /** `isWhole`: a snapshot has just been completed. */
  show(changes: readonly StateChange[], isWhole: boolean): void | Promise<void>
  notice(text: string): void
  close?(): void
}

type Streams = Pick<Context, 'stdout' | 'env' | 'notice'>

/** How soon after news the screen is drawn: news that come together are drawn together. */
const DRAW_AFTER_MS = 100
/** How often it is redrawn without news, because ages change. */
const DRAW_EVERY_MS = 1000
/** Used if the terminal does not report its size. */
const DEFAULT_SIZE = { rows: 24, columns: 80 }

/** Fills the terminal, hosts with problems first. */
export class ScreenDisplay implements FleetDisplay {
  private readonly stdout: Context['stdout']
  private readonly view: FleetView
  private readonly screen: Screen
  private drawing: NodeJS.Timeout | undefined
  private ageing: NodeJS.Timeout | undefined
  private isKnown = false
  private note = ''

  constructor({ stdout, env }: Streams, view: FleetView) {
    this.stdout = stdout
    this.view = view
    this.screen = new Screen(stdout, isColoured(stdout, env))
  }

  open(): void {
    this.screen.open()
    this.stdout.on('resize', this.draw)
    this.ageing = setInterval(this.draw, DRAW_EVERY_MS)
    this.draw()
  }

  show(_changes: readonly StateChange[], isWhole: boolean): void {
    this.isKnown ||= isWhole
    this.note = ''
    this.drawing ??= setTimeout(this.draw, DRAW_AFTER_MS)
  }

  notice(text: string): void {
    this.note = text
    this.draw()
  }

  close(): void {
    clearInterval(this.ageing)
    clearTimeout(this.drawing)
    this.stdout.off('resize', this.draw)
    this.screen.close()
  }

  private readonly draw = (): void => {
    clearTimeout(this.drawing)
    this.drawing = undefined
    const { agents } = this.view
    const { rows, columns } = { ...DEFAULT_SIZE, ...toSize(this.stdout) }
    const note = this.note || (this.isKnown ? 'Ctrl-C exits.' : 'Waiting for the fleet…')
    if (this.isKnown) this.screen.draw(fleetFrame({ agents, rows, columns, now: Date.now(), note }))
    else this.screen.draw([{ text: note, tone: 'faint' }])
  }
}

const toSize = ({ rows, columns }: Context['stdout']) => (rows > 0 && columns > 0 ? { rows, columns } : {})

/** Prints a line for each change of state. */
export function lineDisplay({ stdout, notice }: Streams, view: FleetView): FleetDisplay {
  let isKnown = false
  return {
    show(changes, isWhole) {
      if (isWhole && !isKnown) notice(`watching ${formatFleetCounts(view.agents)}`)
      isKnown ||= isWhole
      return write(stdout, changes.map(toLine).join(''))
    },
    notice,
  }
}

function toLine({ at, host, from, to, code, reason }: StateChange): string {
  const why = formatReason(reason, code)
  const text = `${formatMoment(at)}  ${host}  ${from ?? 'new'} → ${to}${why ? `  ${why}` : ''}`
  return `${sanitizeText(text, 4000)}\n`
}

/** Prints one JSON object a line: `fleet` for each snapshot, `change` for each change of state. */
export const jsonDisplay = ({ stdout, notice }: Streams, view: FleetView): FleetDisplay => ({
  show(changes, isWhole) {
    const { agents } = view
    const whole = isWhole ? [{ type: 'fleet', total: agents.length, states: countStates(agents) }] : []
    const lines = [...changes.map((change) => ({ type: 'change', ...change })), ...whole]
    return write(stdout, lines.map(jsonLine).join(''))
  },
  notice,
})
