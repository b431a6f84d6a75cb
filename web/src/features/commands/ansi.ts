/** A piece of text that looks alike. `style` holds CSS that the page makes itself: nothing of it comes from the host. */
export interface Styled {
  text: string
  style: {
    color?: string
    background?: string
    fontWeight?: number
    fontStyle?: string
    textDecoration?: string
    opacity?: number
  }
}

/** The style at a place of a line; `isReverse` swaps foreground and background. */
type State = Styled['style'] & { isReverse?: boolean }

/** The colours of the pane, where the output sets none. */
const INK = '#e6edf3'
const PAPER = '#0d1117'

function toCss({ isReverse, ...style }: State): Styled['style'] {
  if (!isReverse) return style
  return { ...style, color: style.background ?? PAPER, background: style.color ?? INK }
}

const BASIC = ['#484f58', '#ff7b72', '#3fb950', '#d29922', '#58a6ff', '#bc8cff', '#39c5cf', '#b1bac4']
const BRIGHT = ['#8b949e', '#ffa198', '#56d364', '#e3b341', '#79c0ff', '#d2a8ff', '#56d4dd', '#f0f6fc']

/** Returns one of the 256 colours: sixteen, a cube of 6 × 6 × 6, and greys. */
function colorOf256(n: number): string {
  if (n < 8) return BASIC[n] as string
  if (n < 16) return BRIGHT[n - 8] as string
  if (n >= 232)
    return `rgb(${Array(3)
      .fill(8 + (n - 232) * 10)
      .join(',')})`
  const level = (at: number) => (at === 0 ? 0 : 55 + at * 40)
  const cube = n - 16
  return `rgb(${[Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(level).join(',')})`
}

// CSI, OSC and other strings, two-character escapes; the parameters of CSI … m are kept.
const ESCAPE =
  // biome-ignore lint/complexity/useRegexLiterals: control characters are told by their number
  new RegExp(
    '\\u001b(?:\\[([0-9;:]*)([ -/]*[@-~])|[\\]PX^_][^\\u0007\\u001b]*(?:\\u0007|\\u001b\\\\|$)|[ -/]*[0-~]|$)',
    'g',
  )
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu

/** Replaces invisible characters, and those that reverse the text, by signs. Tabs stay. */
export const visible = (text: string) =>
  text.replace(INVISIBLE, (char) => {
    const code = char.codePointAt(0) ?? 0
    if (code === 9) return '\t'
    return code < 32 ? String.fromCodePoint(0x2400 + code) : '\ufffd'
  })

/**
 * Splits a line into parts by style. Everything else that a line could do to a terminal is left out: titles, links, clipboards, the
 * cursor. (anser 2 shows titles and colours in colon form as text, and is twice the size.)
 */
export function styled(line: string, before: State = {}): { parts: Styled[]; after: State } {
  const parts: Styled[] = []
  let style = before
  let at = 0
  const add = (text: string) => {
    if (text) parts.push({ text: visible(text), style: toCss(style) })
  }
  for (const match of line.matchAll(ESCAPE)) {
    add(line.slice(at, match.index))
    at = match.index + match[0].length
    if (match[2] === 'm') style = withCodes(style, match[1] ?? '')
  }
  add(line.slice(at))
  return { parts, after: style }
}

function withCodes(before: State, text: string): State {
  const codes = text.split(/[;:]/).map(Number)
  let style = { ...before }
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0
    if (code === 38 || code === 48) {
      const key = code === 38 ? 'color' : 'background'
      if (codes[i + 1] === 5) {
        style[key] = colorOf256(Math.min(255, Math.max(0, codes[i + 2] ?? 0)))
        i += 2
      } else if (codes[i + 1] === 2) {
        const rgb = [2, 3, 4].map((n) => Math.min(255, Math.max(0, codes[i + n] || 0)))
        style[key] = `rgb(${rgb.join(',')})`
        i += 4
      }
    } else style = withCode(style, code)
  }
  return style
}

function withCode(style: State, code: number): State {
  const { color: _color, background: _background, ...plain } = style
  if (code === 0) return {}
  if (code === 1) return { ...style, fontWeight: 700 }
  if (code === 2) return { ...style, opacity: 0.7 }
  if (code === 3) return { ...style, fontStyle: 'italic' }
  if (code === 4) return { ...style, textDecoration: 'underline' }
  if (code === 7) return { ...style, isReverse: true }
  if (code === 27) return { ...style, isReverse: false }
  if (code === 22) return { ...style, fontWeight: 400, opacity: 1 }
  if (code === 24) return { ...style, textDecoration: 'none' }
  if (code >= 30 && code <= 37) return { ...style, color: BASIC[code - 30] as string }
  if (code >= 90 && code <= 97) return { ...style, color: BRIGHT[code - 90] as string }
  if (code >= 40 && code <= 47) return { ...style, background: BASIC[code - 40] as string }
  if (code >= 100 && code <= 107) return { ...style, background: BRIGHT[code - 100] as string }
  if (code === 39) return { ...plain, ...(style.background && { background: style.background }) }
  if (code === 49) return { ...plain, ...(style.color && { color: style.color }) }
  return style
}
