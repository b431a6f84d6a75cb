import { MAX_CONFIG_BYTES } from '../limits.ts'

/** Variables by name; undefined for one that is not set. */
export type Lookup = (name: string) => string | undefined

/** Thrown for a template that cannot be resolved. No value of a variable is in it. */
export class TemplateError extends Error {
  readonly instead: string

  constructor(reason: string, instead: string) {
    super(reason)
    this.instead = instead
  }
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/
const MAX_NESTED = 20
const OPERATORS = [':-', ':?', ':+', '-', '?', '+'] as const
type Operator = (typeof OPERATORS)[number]

/**
 * Puts variables into a text as Compose does: `$NAME`, `${NAME}`, `${NAME:-default}` and its five siblings, nested, `$$` for a dollar.
 * Throws `TemplateError` for a variable without value and for a template that is not one.
 */
export function interpolate(text: string, lookup: Lookup, depth = 0): string {
  if (depth > MAX_NESTED)
    throw new TemplateError('has variables that are nested too deep', `nest at most ${MAX_NESTED}`)
  let result = ''
  let at = 0
  for (;;) {
    const dollar = text.indexOf('$', at)
    if (dollar < 0) return checkLength(result + text.slice(at))
    result = checkLength(result + text.slice(at, dollar))
    const [replacement, next] = replaceAt(text, dollar, lookup, depth)
    result += replacement
    at = next
  }
}

/** Replaces what begins with the dollar at an offset. Returns the replacement, and the offset after what it stands for. */
function replaceAt(text: string, dollar: number, lookup: Lookup, depth: number): [string, number] {
  const after = text[dollar + 1]
  if (after === '$') return ['$', dollar + 2]
  if (after === '{') {
    const end = findClosing(text, dollar + 1)
    if (end === undefined)
      throw new TemplateError('has "${" without its "}"', 'close it, or write "$$" for a dollar')
    return [resolve(text.slice(dollar + 2, end), lookup, depth), end + 1]
  }
  const name = NAME.exec(text.slice(dollar + 1, dollar + 257))?.[0]
  // A dollar that begins no variable is a dollar.
  if (name === undefined) return ['$', dollar + 1]
  return [require(name, lookup), dollar + 1 + name.length]
}

/** Returns the offset of the brace that closes the one at `open`. */
function findClosing(text: string, open: number): number | undefined {
  let depth = 0
  for (let at = open; at < text.length; at++)
    if (text[at] === '{') depth++
    else if (text[at] === '}' && --depth === 0) return at
  return undefined
}

function resolve(inner: string, lookup: Lookup, depth: number): string {
  const name = NAME.exec(inner)?.[0]
  const rest = inner.slice(name?.length ?? 0)
  const operator = OPERATORS.find((one) => rest.startsWith(one))
  if (name === undefined || (rest !== '' && operator === undefined))
    throw new TemplateError(
      'has "${…}" around what is not the name of a variable',
      'write ${NAME} or ${NAME:-default}; "$$" is a dollar',
    )
  if (operator === undefined) return require(name, lookup)
  return apply(operator, name, rest.slice(operator.length), lookup, depth)
}

function apply(operator: Operator, name: string, operand: string, lookup: Lookup, depth: number): string {
  const value = lookup(name)
  const isMet = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined
  const operandText = () => interpolate(operand, lookup, depth + 1)
  if (operator.endsWith('+')) return isMet ? operandText() : (value ?? '')
  if (isMet) return value ?? ''
  if (operator.endsWith('-')) return operandText()
  // As it is written: a variable within it may be a secret.
  const why = operand.replace(/[\p{Cc}\p{Cf}]/gu, ' ').trim()
  throw new TemplateError(
    `needs the variable ${name}${why === '' ? '' : `, and says: ${why.slice(0, 200)}`}`,
    howToGive(name),
  )
}

function require(name: string, lookup: Lookup): string {
  const value = lookup(name)
  if (value === undefined)
    throw new TemplateError(
      `needs the variable ${name}, which has no value`,
      `${howToGive(name)}, or write \${${name}:-default}; "$$" is a dollar`,
    )
  return value
}

export const howToGive = (name: string): string =>
  `give it in .env, by --set ${name}=VALUE, or by --env ${name} from your shell`

function checkLength(text: string): string {
  if (text.length > MAX_CONFIG_BYTES)
    throw new TemplateError(
      'is too long after variables were put in',
      `keep it within ${MAX_CONFIG_BYTES / 1024} KiB`,
    )
  return text
}
