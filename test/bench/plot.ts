/** Readable on white and on black: the pages are shown on both. */
const INK = '#7d8590'
const GRID = '#7d859055'
const OURS = '#2f81f7'
const THEIRS = '#9aa4b0'
const FAINT = '#9aa4b088'
const FONT = 'font-family="system-ui, sans-serif" font-size="12"'
const WIDTH = 720

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const text = (x: number, y: number, anchor: 'start' | 'middle' | 'end', words: string, weight = 400) =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-weight="${weight}">${escaped(words)}</text>`
const line = (x1: number, y1: number, x2: number, y2: number) =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${GRID}"/>`
const page = (height: number, title: string, body: string[]) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" ${FONT} fill="${INK}">\n` +
  `<title>${escaped(title)}</title>\n${body.join('\n')}\n</svg>\n`

/** Where a value lies between two bounds on a logarithmic scale, 0 to 1. */
const onLog = (value: number, from: number, to: number) => Math.log(value / from) / Math.log(to / from)
/** Powers of ten that enclose all values. */
const decades = (values: readonly number[]): number[] => {
  const low = Math.floor(Math.log10(Math.min(...values)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))
  return Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i))
}
const short = (value: number) => String(Number(value.toPrecision(2)))

export interface Bar {
  label: string
  /** One bar for each series; null for what was not measured. */
  values: (number | null)[]
  isOurs: boolean
}

/** Horizontal bars on a logarithmic scale, the shortest first. `series` names the bars of one group. */
export function barPlot(
  title: string,
  unit: string,
  series: readonly string[],
  bars: readonly Bar[],
): string {
  const left = 215
  const right = WIDTH - 70
  const top = 56
  const bar = 12
  const group = series.length * (bar + 3) + 14
  const ticks = decades(bars.flatMap(({ values }) => values.filter((value) => value !== null)))
  const [from, to] = [ticks[0] ?? 1, ticks.at(-1) ?? 10]
  const at = (value: number) => left + (right - left) * onLog(value, from, to)
  const bottom = top + bars.length * group
  const body = [text(16, 22, 'start', title, 600)]
  for (const tick of ticks)
    body.push(line(at(tick), top - 6, at(tick), bottom), text(at(tick), bottom + 16, 'middle', short(tick)))
  body.push(text((left + right) / 2, bottom + 34, 'middle', unit))
  const order = [...bars].sort((a, b) => (a.values[0] ?? 0) - (b.values[0] ?? 0))
  for (const [row, { label, values, isOurs }] of order.entries()) {
    const y = top + row * group
    body.push(text(left - 10, y + (group - 14) / 2 + 3, 'end', label, isOurs ? 700 : 400))
    for (const [index, value] of values.entries()) {
      if (value === null) continue
      const barY = y + index * (bar + 3)
      const opacity = index === 0 ? 1 : 0.55
      const width = Math.max(1, at(value) - left).toFixed(1)
      body.push(
        `<rect x="${left}" y="${barY}" width="${width}" height="${bar}" rx="2" fill="${isOurs ? OURS : THEIRS}" opacity="${opacity}"/>`,
        text(at(value) + 6, barY + bar - 2, 'start', `${short(value)} (${series[index] ?? ''})`),
      )
    }
  }
  return page(bottom + 46, title, body)
}

export interface Curve {
  label: string
  points: { x: number; y: number }[]
  isOurs: boolean
}

const LINE_HEIGHT = 15

/** Heights at which names can be read one below the other, though what they name lies closer together. */
class Labels {
  readonly #taken: number[] = []

  place(y: number): number {
    let free = y
    while (this.#taken.some((other) => Math.abs(other - free) < LINE_HEIGHT)) free += 1
    this.#taken.push(free)
    return free
  }
}

/** Curves over a logarithmic x, with y from 0. */
export function curvePlot(title: string, xUnit: string, yUnit: string, curves: readonly Curve[]): string {
  const [left, right, top, bottom] = [64, WIDTH - 150, 56, 300]
  const points = curves.flatMap((curve) => curve.points)
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b)
  const most = Math.max(...points.map(({ y }) => y))
  const step = 10 ** Math.floor(Math.log10(most))
  const ceiling = Math.ceil((most * 1.05) / step) * step
  const atX = (x: number) => left + (right - left) * onLog(x, xs[0] ?? 1, xs.at(-1) ?? 10)
  const atY = (y: number) => bottom - ((bottom - top) * y) / ceiling
  const body = [text(16, 22, 'start', title, 600), text(16, 44, 'start', yUnit)]
  for (let tick = 0; tick <= ceiling + step / 2; tick += ceiling / 5)
    body.push(line(left, atY(tick), right, atY(tick)), text(left - 8, atY(tick) + 4, 'end', short(tick)))
  for (const x of xs) body.push(text(atX(x), bottom + 18, 'middle', x.toLocaleString('en')))
  body.push(text((left + right) / 2, bottom + 38, 'middle', xUnit))
  const labels = new Labels()
  for (const { label, points: own, isOurs } of curves) {
    const colour = isOurs ? OURS : FAINT
    const path = own.map(({ x, y }) => `${atX(x).toFixed(1)},${atY(y).toFixed(1)}`).join(' ')
    body.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`)
    for (const { x, y } of own)
      body.push(`<circle cx="${atX(x).toFixed(1)}" cy="${atY(y).toFixed(1)}" r="3.5" fill="${colour}"/>`)
    const last = own.at(-1)
    if (last)
      body.push(text(atX(last.x) + 10, labels.place(atY(last.y) + 4), 'start', label, isOurs ? 700 : 400))
  }
  return page(bottom + 50, title, body)
}
