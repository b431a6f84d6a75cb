import { InvalidArgumentError, Option } from 'commander'

export const jsonOption = () => new Option('--json', 'print JSON')

/** Tells whether any property of an object is not undefined. */
export const hasValues = (object: object): boolean =>
  Object.values(object).some((value) => value !== undefined)

/** Collects an option that may be given again and again. */
export const collectTexts = (text: string, before: readonly string[] = []) => [...before, text]

/** Collects an option that may be given again and again, each time with one value or several between commas. */
export const collectNames = (text: string, before: readonly string[] = []) => [
  ...before,
  ...text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean),
]

/** Collects `key=value` pairs. */
export function collectPairs(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must be key=value.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

/** Collects `NAME=value` pairs; a bare `NAME` takes its value from our own environment, which keeps it out of argv. */
export function collectEnvironment(env: NodeJS.ProcessEnv) {
  return (text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> => {
    if (text.includes('=')) return collectPairs(text, before)
    const value = env[text]
    if (value === undefined)
      throw new InvalidArgumentError(`${text} is not set here. Set it, or give NAME=value.`)
    return { ...before, [text]: value }
  }
}

/** Seconds, in decimals if need be, as whole milliseconds. */
export function seconds(least: number, most: number) {
  return (text: string): number => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return Math.round(value * 1000)
    throw new InvalidArgumentError(`It must be a number of seconds from ${least} to ${most}.`)
  }
}

/** Creates the option for how many rows a list has, such as `how many at most, up to 200 (default: 50)`. */
export const limitOption = (what: string, most: number, usual: number) =>
  new Option('--limit <number>', `${what}, up to ${most} (default: ${usual})`).argParser(wholeNumber(1, most))

export function wholeNumber(least: number, most: number) {
  return (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
  }
}
