/** Names of declarations that have a better word; docs/glossary.md holds the words that we use. */
export const OLD_NAMES: readonly { pattern: RegExp; use: string }[] = [
  { pattern: /^(MOST|LONGEST|LARGEST|HIGHEST)(_|$)/, use: 'MAX_…' },
  { pattern: /^(LEAST|SHORTEST|SMALLEST|LOWEST|FEWEST)(_|$)/, use: 'MIN_…' },
  {
    pattern:
      /^(answer|archive|args|body|bytes|cell|cells|command|container|containers|context|definition|detail|draft|entry|error|fields|header|json|kind|line|lines|message|number|params|preview|ref|report|request|result|row|rows|segment|selector|spec|status|summary|text|transfer|user|variables|view|word|words)Of$/,
    use: 'toX for a conversion',
  },
  { pattern: /^(look|looks|looking)$|^look[A-Z]/, use: 'tick (periodic), probe (a peer), inspect, find' },
  { pattern: /^goOn/, use: 'advance, continue' },
  { pattern: /^told$|Told|^told[A-Z]/, use: 'published, reported, acknowledged, redacted' },
  { pattern: /whoever|nobody|anew|patience|^fates?$/i, use: 'a noun that says who, or what' },
  { pattern: /^(wayOf|fixWay)$/, use: 'transport' },
  { pattern: /^(letGo|callBack)$/, use: 'release, reschedule' },
  { pattern: /Wish$|Sight$|^BREATH/, use: 'DesiredX, XOptions, Cache' },
  { pattern: /^(attend|attended|Attended|attendOnce)$/, use: 'follow, subscribe, waitFor' },
  { pattern: /^Overtaken$/, use: 'ConcurrentUpdateError' },
]

/** A docstring that opens with one of these has lost its subject. Say what the thing does: verb, object, returns, throws. */
export const DOCSTRING_OPENING = /^(Of|What|Those|Whoever|That|Whether)\b/

/** Title of a test that opens with one of these needs its `describe` to be a sentence. */
const NO_SUBJECT =
  'adds and are asks begins brings can cannot comes connects copies cuts does draws ends finds follows gives goes hands has have holds is keeps knows leaves lets lists makes may needs never of offers opens parses passes reads refuses says sees sends shows signs stops takes tells tries waits was were which who whose with writes'
export const TITLE_OPENING = new RegExp(`^(that|${NO_SUBJECT.replaceAll(' ', '|')})\\b`)
export const MIN_TITLE_WORDS = 4

export const MAX_FILE_LINES = 300
/** Files of texts alone: their length is the number of texts. */
export const CATALOGUES = ['web/src/i18n/en.ts', 'web/src/i18n/zh-cn.ts']

/** How many of a kind may still stand. Lower a limit when a count falls; never raise one. */
export const LIMITS = {
  'old-name': 0,
  'fresh-spread': 0,
  'docstring-opening': 0,
  'test-title': 14,
  'file-length': 0,
  'spec-length': 17,
  'markdown-width': 5,
}

export type Rule = keyof typeof LIMITS

export const ADVICE: Record<Rule, string> = {
  'old-name': 'name it by its field’s word',
  'fresh-spread': 'write the properties in place: an object is spread only to merge another one',
  'docstring-opening':
    'begin with a verb: "Renews the lease. Throws `LeaseExpired` if another holder took it."',
  'test-title': `at least ${MIN_TITLE_WORDS} words, with a subject: the title stands alone in a CI log`,
  'file-length': `at most ${MAX_FILE_LINES} lines`,
  'spec-length': `at most ${MAX_FILE_LINES} lines`,
  'markdown-width': 'run "npm run format"',
}
