import { t } from '../i18n/index.tsx'

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** `1.5 MiB` */
export function bytesText(bytes: number): string {
  const power = Math.min(UNITS.length - 1, bytes < 1024 ? 0 : Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`
}

const seconds = (value: number | string) => t('unit.s', { value })
const minutes = (value: number) => t('unit.min', { value })
const hours = (value: number) => t('unit.h', { value })
const days = (value: number) => t('unit.d', { value })

/** `45 s`, `3 min`, `5 h 12 min`, `12 d` */
export function durationText(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000))
  if (s < 60) return seconds(s)
  if (s < 600 && s % 60) return `${minutes(Math.floor(s / 60))} ${seconds(s % 60)}`
  if (s < 3600) return minutes(Math.floor(s / 60))
  if (s < 86_400) return `${hours(Math.floor(s / 3600))} ${minutes(Math.floor((s % 3600) / 60))}`
  return `${days(Math.floor(s / 86_400))} ${hours(Math.floor((s % 86_400) / 3600))}`
}

/** `20–60 s` */
export const intervalText = (minMs: number, maxMs: number) => seconds(`${minMs / 1000}–${maxMs / 1000}`)

export const percentText = (value: number | null) => (value === null ? '–' : `${Math.round(value)} %`)

let moments: { language: string; format: Intl.DateTimeFormat } | undefined

export function momentText(iso: string): string {
  const language = document.documentElement.lang
  // To make one costs a hundred times what it costs to use it, and a page has fifty moments.
  if (moments?.language !== language)
    moments = {
      language,
      format: new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }),
    }
  return moments.format.format(new Date(iso))
}

export function agoText(iso: string, nowMs: number): string {
  const ms = nowMs - Date.parse(iso)
  if (ms < 0) return t('in', { time: durationText(-ms) })
  return ms < 1500 ? t('justNow') : t('ago', { time: durationText(ms) })
}

const QUOTED = /[^A-Za-z0-9_@%+=:,./-]/

/** A program and its arguments as one would type them. For people to read: nothing is ever run from it. */
export const commandLine = (program: string, args: readonly string[]) =>
  [program, ...args]
    .map((word) => (word === '' || QUOTED.test(word) ? `'${word.replaceAll("'", "'\\''")}'` : word))
    .join(' ')

/** The same on one line, for headings and tables. */
export const commandTitle = (program: string, args: readonly string[]) =>
  commandLine(program, args).replace(/\s*\n\s*/g, ' \u23ce ')

/** A quoted part of a word, a character after a backslash, what is between words, or any other character. */
const PARTS = /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|(\s+)|./gs

/**
 * Splits a line into words as a shell does, with quotes and backslashes and nothing else: no variables, no patterns.
 * Undefined where a quote is not closed.
 */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  for (const [part, single, double, escaped, space] of line.matchAll(PARTS)) {
    if (part === "'" || part === '"') return undefined
    if (space !== undefined) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + (single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? part)
  }
  return word === undefined ? words : [...words, word]
}
