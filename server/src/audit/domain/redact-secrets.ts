import { looksRandom, SECRET_LAST_WORD, SHORT_OPTIONS } from './secret-words.ts'

/** The replacement for a secret. */
export const REDACTED = '(not shown)'

/** Names under which secrets are passed in options, variables and fields. */
const SECRET_NAME =
  /pass(?:word|wd|phrase|code)?|pwd|psk|secret|token|credential|(?:api|access|private|encryption|account|shared)[_-]?key|auth|cookie|session[_-]?id|signature/i
/** Suffixes of options that refer to a secret instead of holding it. */
const REFERS_TO_SECRET = /[_-]?(?:file|path|dir|fd|env|stdin|name|type|url|method|socket)$/i

const isSecretName = (name: string) => SECRET_NAME.test(name) && !REFERS_TO_SECRET.test(name)

type Redaction = readonly [RegExp, (match: string, first: string, second?: string) => string]

const VALUE = `"(?:[^"\\\\]|\\\\.)*"?|'[^']*'?|[^\\s;&|)"'<>]+`
const keepFirst = (_match: string, first: string) => `${first}${REDACTED}`
const ifNamed = (match: string, before: string, name = '') =>
  isSecretName(name) ? `${before}${REDACTED}` : match

/** Each pattern runs in linear time: no part of one matches a position in two ways. */
const REDACTIONS: readonly Redaction[] = [
  [/()-----BEGIN [A-Z ]{0,30}PRIVATE KEY[\s\S]*/g, keepFirst],
  // A user and password, or a token alone, before a host name.
  [/((?<![\w+.-])[a-z][\w+.-]{1,20}:\/\/[^\s/:@'"]{0,200}:)[^\s/@]+(?=@)/gi, keepFirst],
  [/((?<![\w+.-])[a-z][\w+.-]{1,20}:\/\/)[^\s/:@'"]{16,}(?=@)/gi, keepFirst],
  [/((?:\bauthorization|\bcookie)\s{0,5}[:=]\s{0,5})[^'"\r\n]+/gi, keepFirst],
  [/(\b(?:bearer|basic)\s{1,5})[\w.~+/=-]{6,}/gi, keepFirst],
  [/((?:hooks\.slack\.com\/services|discord(?:app)?\.com\/api\/webhooks)\/)[^\s'"]+/g, keepFirst],
  [/(--from-literal[= ][^\s=]{1,200}=)\S+/g, keepFirst],
  [
    /(\b(?:password|identified\s{1,5}(?:by|with\s{1,5}\w{1,40}\s{1,5}(?:by|as)))\s{1,5})(?:'[^']*'?|"[^"]*"?)/gi,
    keepFirst,
  ],
  [new RegExp(`((?<![\\w.-])([\\w.-]+)["']?\\s{0,5}(?::=|=>|[:=])\\s{0,5})(?:${VALUE})`, 'g'), ifNamed],
  [new RegExp(`((?<![\\w.-])--?([\\w.-]+)\\s{1,5})(?!-)(?:${VALUE})`, 'g'), ifNamed],
  [new RegExp(`(\\bset\\s{1,5}([\\w.-]+)\\s{1,5})(?:${VALUE})`, 'gi'), ifNamed],
  [
    /()\b(?:gh[oprsu]_|github_pat_|glpat-|xox[abeoprs]-|npm_|hf_|dop_v1_|hvs\.|rck_|SG\.|AIza|pypi-|(?:sk|rk|pk)[_-])[\w.-]{10,}/g,
    keepFirst,
  ],
  [/()\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, keepFirst],
  [/()\beyJ[\w-]{5,}\.[\w.-]{5,}/g, keepFirst],
  [/()\bAGE-SECRET-KEY-[A-Z0-9]+/g, keepFirst],
  // A password hash as in /etc/shadow.
  [/()\$(?:1|2[abxy]?|5|6|7|y|gy|argon2id?|scrypt)\$[^\s'":]+/g, keepFirst],
  [/()(?<![\w+/.-])[\w+/.-]{20,}={0,2}/g, (match) => (looksRandom(match) ? REDACTED : match)],
]

/** Commands that print a secret for a program which reads it. */
const PRINTS_SECRET = /\becho\b|\bprintf\b|<</
const READS_SECRET =
  /\b(?:chpasswd|passwd|cryptsetup|kinit|smbpasswd|openssl|gpg)\b|\blogin\b|\bsudo\s{1,5}-S\b|password-stdin/

/** Redacts what looks like a secret in free text such as a script, URL or argument. Pure. */
export function redactSecrets(text: string): string {
  if (PRINTS_SECRET.test(text) && READS_SECRET.test(text)) return REDACTED
  const shown = REDACTIONS.reduce((rest, [pattern, hide]) => rest.replace(pattern, hide), text)
  const parts = shown.split(/(\s+|[;&|()]+)/)
  const words = redactWords(parts.filter((_part, at) => at % 2 === 0))
  return parts.map((part, at) => (at % 2 === 0 ? (words[at / 2] as string) : part)).join('')
}

/** Redacts arguments that look like secrets or follow an option that takes one. Pure. */
export function redactSecretArguments(program: string, args: readonly string[]): string[] {
  const afterOptions = args.map((arg, at) => {
    const before = args[at - 1] ?? ''
    const option = /^--?([\w.-]+)$/.exec(before)?.[1]
    const name = option ?? (/^set$/i.test(args[at - 2] ?? '') ? before : '')
    return isSecretName(name) && arg !== '' ? REDACTED : arg
  })
  return redactWords([program, ...afterOptions])
    .slice(1)
    .map((arg) => (arg === REDACTED ? arg : redactSecrets(arg)))
}

const baseName = (word: string) => word.replaceAll(/["']/g, '').split('/').at(-1)?.toLowerCase() ?? ''

/** Tracks which program the words belong to, because short options differ by program. */
function redactWords(words: readonly string[]): string[] {
  let program = ''
  let isNext = false
  return words.map((word, at) => {
    if (isNext && word !== '') {
      isNext = false
      return REDACTED
    }
    const name = baseName(word)
    if (SHORT_OPTIONS.has(name) || SECRET_LAST_WORD.has(name)) program = name
    else if (SECRET_LAST_WORD.has(program) && at === words.length - 1 && word !== '') return REDACTED
    const bare = word.replace(/^["']/, '')
    const letter = /^-[a-zA-Z]/.test(bare) ? (bare[1] as string) : '-'
    if (!SHORT_OPTIONS.get(program)?.includes(letter)) return word
    if (bare.length > 2) return `-${letter}${REDACTED}`
    isNext = true
    return word
  })
}
