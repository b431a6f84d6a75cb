/** An issue that zod found, as far as a message to a person needs it. */
export interface SchemaIssue {
  code?: string | undefined
  path: PropertyKey[]
  message: string
  keys?: string[] | undefined
  origin?: string | undefined
  minimum?: number | bigint | undefined
  maximum?: number | bigint | undefined
  inclusive?: boolean | undefined
  expected?: string | undefined
  values?: readonly unknown[] | undefined
  format?: string | undefined
  options?: readonly unknown[] | undefined
  input?: unknown
}

/** The beginnings of zod's default messages. */
const UNSPOKEN = /^(?:Too small|Too big|Invalid|Unrecognized)/

const KINDS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}
const FORMS: Record<string, string> = {
  email: 'an e-mail address',
  uuid: 'a UUID',
  url: 'a web address',
  datetime: 'a date and time such as 2026-01-31T12:00:00Z',
  base64: 'base64',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
}

/** Describes the fault of a field in plain words, to follow its name. A schema's own message is kept. */
export function issueInWords(issue: SchemaIssue): string {
  if (!UNSPOKEN.test(issue.message)) return issue.message
  switch (issue.code) {
    case 'too_small':
      return tooSmall(issue)
    case 'too_big':
      return tooBig(issue)
    case 'invalid_type':
      return wrongType(issue)
    case 'invalid_value':
      return oneOf(issue.values ?? [])
    case 'invalid_format':
      return `must be ${FORMS[issue.format ?? ''] ?? 'of another form'}`
    case 'invalid_union':
      return issue.options?.length ? oneOf(issue.options) : 'does not match any known form'
    case 'invalid_key':
      return 'is not a valid name here'
    case 'not_multiple_of':
      return 'must be a whole number'
    default:
      return 'is not valid'
  }
}

function tooSmall({ origin, minimum, inclusive }: SchemaIssue): string {
  const least = Number(minimum)
  if (origin === 'string') return least === 1 ? 'is needed' : `must have at least ${least} characters`
  if (origin === 'array' || origin === 'set')
    return least === 1 ? 'needs at least one entry' : `needs at least ${least} entries`
  return `must be ${inclusive === false ? 'more than' : 'at least'} ${least}`
}

function tooBig({ origin, maximum, inclusive }: SchemaIssue): string {
  const most = Number(maximum)
  if (origin === 'string') return `must have at most ${most} characters`
  if (origin === 'array' || origin === 'set') return `must have at most ${most} entries`
  return `must be ${inclusive === false ? 'less than' : 'at most'} ${most}`
}

function wrongType({ expected, message, format }: SchemaIssue): string {
  if (message.endsWith('received undefined')) return 'is missing'
  const kind = KINDS[format === 'safeint' ? 'int' : (expected ?? '')]
  return kind === undefined ? 'has the wrong type' : `must be ${kind}`
}

function oneOf(values: readonly unknown[]): string {
  const texts = values.slice(0, 20).map(String)
  if (texts.length === 1) return `must be ${texts[0]}`
  return `must be one of ${texts.join(', ')}${values.length > texts.length ? ', …' : ''}`
}
