import { isNull, type Node } from '../source/tree.ts'
import type { Reader } from './reader.ts'
import { converted, type Shape, wrongForm } from './shape.ts'

/** Controls and marks that no name, path or address has. A tab and a line break are controls as well. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u
/** A number that is the same text after YAML has read it: 022 would be 18, 1.10 would be 1.1, 1e3 would be 1000. */
const PLAIN_NUMBER = /^-?(0|[1-9]\d{0,14})(\.\d{0,14}[1-9])?$/

/**
 * Reads any scalar as a text with its variables put in. A number that YAML would change is refused, unless a number is asked for: in
 * quotes it is what people meant.
 */
export function readText(node: Node, reader: Reader, form = 'a text', isNumber = false): string | undefined {
  if (node.kind !== 'scalar' || node.type === 'null') return wrongForm(node, reader, form)
  if (!isNumber && node.type === 'number' && !PLAIN_NUMBER.test(node.text))
    return reader.fault(
      node.place,
      `is the number ${node.text.slice(0, 40)}, which YAML changes`,
      'put it in quotes to have it as it is written',
    )
  const text = reader.interpolate(node)
  if (text?.includes('\0')) return reader.fault(node.place, 'has a NUL character in it', 'remove it')
  return text
}

interface TextOptions {
  form?: string
  max?: number
  pattern?: RegExp
  /** Line breaks and tabs are allowed, as in an argument of a program. */
  isMultiline?: boolean
  /** The text is a number, which YAML may write in several ways. */
  isNumber?: boolean
  /** The advice of a fault; the form if it is left out. */
  instead?: string
}

/** A text of one line. Faults never repeat it, since a variable in it may be a secret. */
export function text({
  form = 'a text',
  max = 4096,
  pattern,
  isMultiline,
  isNumber,
  instead,
}: TextOptions = {}): Shape<string> {
  return {
    form,
    read(node, reader) {
      const value = readText(node, reader, form, isNumber)
      if (value === undefined) return undefined
      if (value.length > max)
        return reader.fault(node.place, `is longer than ${max} characters`, 'shorten it')
      if (!isMultiline && CONTROL.test(value))
        return reader.fault(
          node.place,
          'has a line break or another control character in it',
          'write one line',
        )
      if (pattern && !pattern.test(value))
        return reader.fault(node.place, `must be ${form}`, instead ?? `write ${form}`)
      return value
    },
  }
}

/** One of a few words. */
export function choice<const Words extends readonly string[]>(words: Words): Shape<Words[number]> {
  const form = words.length === 1 ? `${words[0]}` : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
  return converted(text({ form, max: 100 }), (value, node, reader) =>
    words.includes(value) ? (value as Words[number]) : wrongForm(node, reader, form),
  )
}

/** True or false. Compose takes yes, no, on, off, y and n too. */
export const flag: Shape<boolean> = {
  form: 'true or false',
  read(node, reader) {
    const value = readText(node, reader, 'true or false')?.toLowerCase()
    if (value === undefined) return undefined
    if (/^(true|y|yes|on)$/.test(value)) return true
    if (/^(false|n|no|off)$/.test(value)) return false
    return wrongForm(node, reader, 'true or false')
  },
}

export function wholeNumber(min: number, max: number): Shape<number> {
  const form = `a whole number from ${min} to ${max}`
  return converted(text({ form, max: 30, isNumber: true }), (value, node, reader) => {
    const number = /^-?(0|[1-9]\d*)$/.test(value) ? Number(value) : Number.NaN
    return number >= min && number <= max ? number : wrongForm(node, reader, form)
  })
}

export function decimal(min: number, max: number): Shape<number> {
  const form = `a number from ${min} to ${max}`
  return converted(text({ form, max: 30, isNumber: true }), (value, node, reader) => {
    const number = /^(\d+(\.\d*)?|\.\d+)$/.test(value) ? Number(value) : Number.NaN
    return number >= min && number <= max ? number : wrongForm(node, reader, form)
  })
}

/** The mode of a file: octal, as YAML 1.1 (0440), YAML 1.2 (0o440) and a text ("0440") write it. Returns the number. */
export const fileMode: Shape<number> = {
  form: 'a mode such as 0440',
  read(node, reader) {
    const written = node.kind === 'scalar' && !isNull(node) ? reader.interpolate(node) : ''
    if (written === undefined) return undefined
    const octal = /^0o?([0-7]{3,4})$/.exec(written)?.[1]
    if (octal !== undefined) return Number.parseInt(octal, 8)
    // Without its 0 it is a decimal number in YAML, and hardly ever what was meant.
    return reader.fault(node.place, 'must be a mode such as 0440', 'write four digits that begin with 0')
  },
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d|w))+$/

/** A duration as Compose writes it: 1h30m, 90s, 500ms. Returns whole milliseconds, rounded up. */
export function duration(minMs: number, maxMs: number, why = ''): Shape<number> {
  const form = `a duration from ${toDurationText(minMs)} to ${toDurationText(maxMs)}, such as 90s or 1h30m${why}`
  return converted(text({ form, max: 60 }), (value, node, reader) => {
    const parts = DURATION.test(value) ? value.matchAll(/(\d+(?:\.\d+)?)([a-zµ]+)/g) : []
    let sum = value === '0' ? 0 : Number.NaN
    for (const [, number, unit = ''] of parts)
      sum = (sum || 0) + Number(number) * (UNITS_MS[unit] ?? Number.NaN)
    const ms = Math.ceil(sum)
    return ms >= minMs && ms <= maxMs ? ms : wrongForm(node, reader, form)
  })
}

const toDurationText = (ms: number): string => {
  const unit = (['w', 'd', 'h', 'm', 's'] as const).find((one) => ms > 0 && ms % (UNITS_MS[one] ?? 1) === 0)
  return unit ? `${ms / (UNITS_MS[unit] ?? 1)}${unit}` : `${ms}ms`
}

const SIZE = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i

/** Bytes as Compose writes them: 512m, 1.5g, 64mb, 1048576. Each step is 1024. */
export function byteSize(min: number, max = 2 ** 50): Shape<number> {
  const form = 'a size such as 512m or 2g'
  return converted(text({ form, max: 30, isNumber: true }), (value, node, reader) => {
    const [, number, unit = ''] = SIZE.exec(value) ?? []
    const power = 'kmgtp'.indexOf(unit.toLowerCase()) + 1
    const bytes = Math.floor(Number(number) * 1024 ** (unit === '' ? 0 : power))
    if (bytes >= min && bytes <= max) return bytes
    return number === undefined
      ? wrongForm(node, reader, form)
      : reader.fault(node.place, `must be from ${min} to ${max} bytes`, `write ${form}`)
  })
}
