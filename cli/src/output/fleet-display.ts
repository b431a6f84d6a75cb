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

/** Shows a fleet as it changes. A promise resolves when the reader of our output has caught up. */
export interface FleetDisplay {
  open(): void
  /** `isWhole`: the whole fleet has just been told, for the first time or again. */
  show(changes: readonly StateChange[], isWhole: boolean): void | Promise<void>
  notice(text: string): void
  close(): void
}

type Streams = Pick<Context, 'stdout' | 'env' | 'notice'>

/** How soon after news the screen is drawn: what comes together is drawn together. */
const DRAW_AFTER_MS = 100
/** How often it is drawn without any news, because everything in it grows older. */
const DRAW_EVERY_MS = 1000
/** Where the terminal does not tell its size. */
const USUAL_SIZE = { rows: 24, columns: 80 }

/** The whole terminal: what is not well first. */
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
    const { rows, columns } = { ...USUAL_SIZE, ...toSize(this.stdout) }
    const note = this.note || (this.isKnown ? 'Ctrl-C leaves.' : 'Waiting for the fleet…')
    if (this.isKnown) this.screen.draw(fleetFrame({ agents, rows, columns, now: Date.now(), note }))
    else this.screen.draw([{ text: note, tone: 'faint' }])
  }
}

const toSize = ({ rows, columns }: Context['stdout']) => (rows > 0 && columns > 0 ? { rows, columns } : {})

/** A line for each change of state. */
export class LineDisplay implements FleetDisplay {
  private readonly streams: Streams
  private readonly view: FleetView
  private isKnown = false

  constructor(streams: Streams, view: FleetView) {
    this.streams = streams
    this.view = view
  }

  open(): void {
    // There is nothing to tell before the fleet is known.
  }

  show(changes: readonly StateChange[], isWhole: boolean) {
    if (isWhole && !this.isKnown) this.streams.notice(`watching ${formatFleetCounts(this.view.agents)}`)
    this.isKnown ||= isWhole
    return write(this.streams.stdout, changes.map(toLine).join(''))
  }

  notice(text: string): void {
    this.streams.notice(text)
  }

  close(): void {
    // Every line is whole.
  }
}

function toLine({ at, host, from, to, code, reason }: StateChange): string {
  const why = formatReason(reason, code)
  const text = `${formatMoment(at)}  ${host}  ${from ?? 'new'} → ${to}${why ? `  ${why}` : ''}`
  return `${sanitizeText(text, 4000)}\n`
}

/** One JSON object a line: `fleet` whenever all of it was told, `change` for each change of state. */
export class JsonDisplay implements FleetDisplay {
  private readonly streams: Streams
  private readonly view: FleetView

  constructor(streams: Streams, view: FleetView) {
    this.streams = streams
    this.view = view
  }

  open(): void {
    // There is nothing to tell before the fleet is known.
  }

  show(changes: readonly StateChange[], isWhole: boolean) {
    const { agents } = this.view
    const whole = isWhole ? [{ type: 'fleet', total: agents.length, states: countStates(agents) }] : []
    const lines = [...changes.map((change) => ({ type: 'change', ...change })), ...whole]
    return write(this.streams.stdout, lines.map(jsonLine).join(''))
  }

  notice(text: string): void {
    this.streams.notice(text)
  }

  close(): void {
    // Every line is whole.
  }
}
