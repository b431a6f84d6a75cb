import { looksRandom, SECRET_LAST_WORD, SHORT_OPTIONS } from './secret-words.ts'

/** The text in place of a secret. */
export const NOT_SHOWN = '(not shown)'

/** Names under which people give secrets, in options, variables and fields. */
const SECRET_NAME =
  /pass(?:word|wd|phrase|code)?|pwd|psk|secret|token|credential|(?:api|access|private|encryption|account|shared)[_-]?key|auth|cookie|session[_-]?id|signature/i
/** Options that name where a secret is, and not the secret. */
const NAMES_A_PLACE = /[_-]?(?:file|path|dir|fd|env|stdin|name|type|url|method|socket)$/i

const isSecretName = (name: string) => SECRET_NAME.test(name) && !NAMES_A_PLACE.test(name)

type Hiding = readonly [RegExp, (match: string, first: string, second?: string) => string]

const VALUE = `"(?:[^"\\\\]|\\\\.)*"?|'[^']*'?|[^\\s;&|)"'<>]+`
const keepFirst = (_match: string, first: string) => `${first}${NOT_SHOWN}`
const ifNamed = (match: string, before: string, name = '') =>
  isSecretName(name) ? `${before}${NOT_SHOWN}` : match

/** Each pattern takes time in proportion to the text: no part of one can match a place in two ways. */
const HIDINGS: readonly Hiding[] = [
  [/()-----BEGIN [A-Z ]{0,30}PRIVATE KEY[\s\S]*/g, keepFirst],
  // A user and a password, or a token alone, in front of a host.
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
  // A password's hash, as /etc/shadow has it.
  [/()\$(?:1|2[abxy]?|5|6|7|y|gy|argon2id?|scrypt)\$[^\s'":]+/g, keepFirst],
  [/()(?<![\w+/.-])[\w+/.-]{20,}={0,2}/g, (match) => (looksRandom(match) ? NOT_SHOWN : match)],
]

/** Programs that print a secret for another one that reads it. */
const PRINTS = /\becho\b|\bprintf\b|<</
const READS_SECRET =
  /\b(?:chpasswd|passwd|cryptsetup|kinit|smbpasswd|openssl|gpg)\b|\blogin\b|\bsudo\s{1,5}-S\b|password-stdin/

/** Hides what looks like a secret in text that somebody wrote: a script, an address, an argument. Pure. */
export function withoutSecrets(text: string): string {
  if (PRINTS.test(text) && READS_SECRET.test(text)) return NOT_SHOWN
  const shown = HIDINGS.reduce((rest, [pattern, hide]) => rest.replace(pattern, hide), text)
  const parts = shown.split(/(\s+|[;&|()]+)/)
  const words = hideInWords(parts.filter((_part, at) => at % 2 === 0))
  return parts.map((part, at) => (at % 2 === 0 ? (words[at / 2] as string) : part)).join('')
}

/** Hides those of a program's arguments that look like secrets, or follow an option that takes one. Pure. */
export function argumentsWithoutSecrets(program: string, args: readonly string[]): string[] {
  const afterOptions = args.map((arg, at) => {
    const before = args[at - 1] ?? ''
    const option = /^--?([\w.-]+)$/.exec(before)?.[1]
    const name = option ?? (/^set$/i.test(args[at - 2] ?? '') ? before : '')
    return isSecretName(name) && arg !== '' ? NOT_SHOWN : arg
  })
  return hideInWords([program, ...afterOptions])
    .slice(1)
    .map((arg) => (arg === NOT_SHOWN ? arg : withoutSecrets(arg)))
}

const baseName = (word: string) => word.replaceAll(/["']/g, '').split('/').at(-1)?.toLowerCase() ?? ''

/** Follows which program the words are for, so that its short options are known. */
function hideInWords(words: readonly string[]): string[] {
  let program = ''
  let isNext = false
  return words.map((word, at) => {
    if (isNext && word !== '') {
      isNext = false
      return NOT_SHOWN
    }
    const name = baseName(word)
    if (SHORT_OPTIONS.has(name) || SECRET_LAST_WORD.has(name)) program = name
    else if (SECRET_LAST_WORD.has(program) && at === words.length - 1 && word !== '') return NOT_SHOWN
    const bare = word.replace(/^["']/, '')
    const letter = /^-[a-zA-Z]/.test(bare) ? (bare[1] as string) : '-'
    if (!SHORT_OPTIONS.get(program)?.includes(letter)) return word
    if (bare.length > 2) return `-${letter}${NOT_SHOWN}`
    isNext = true
    return word
  })
}
