import { describe, expect, it } from 'vitest'
import { checkFile, toReport } from './language.ts'
import { LIMITS, MAX_FILE_LINES } from './language-rules.ts'

const rulesOf = (text: string, file = 'server/src/hosts/planted.ts') =>
  checkFile(file, text).map(({ rule, line }) => `${rule}:${line}`)

describe('the check of language', () => {
  it.each([
    ['a bound', 'const MOST_KEPT = 3\n'],
    ['a lower bound', 'export const LEAST_MS = 3\n'],
    ['a conversion', 'function viewOf(row: Row) {}\n'],
    ['a method', 'class Driver { look() {} }\n'],
    ['a private method', 'class Driver { #goOn() {} }\n'],
    ['a parameter', 'const send = (isTold: boolean) => isTold\n'],
    ['a property of a type', 'type Order = { told: string }\n'],
    ['a type', 'interface PortWish {}\n'],
  ])('an old name of %s is found where it is declared', (_, text) => {
    expect(rulesOf(text)).toEqual(['old-name:1'])
  })

  it('an old name in a use, an import, a text or a comment is not found', () => {
    const text = "import { look } from './look.ts'\n// told anew\nlook(told.viewOf, 'MOST_KEPT')\n"
    expect(rulesOf(text)).toEqual([])
  })

  it('fresh literals that are spread are found, and other spreads are not', () => {
    expect(rulesOf('const a = { ...{ b: 1, c: 2 }, d: 3 }\n')).toEqual(['fresh-spread:1'])
    expect(rulesOf("const a = [...['b', 'c'], d]\n")).toEqual(['fresh-spread:1'])
    expect(rulesOf('const a = { ...b, ...(c ? { d } : {}) }\nconst e = [...f]\n')).toEqual([])
  })

  it('docstrings without a subject are found, on one line and on several', () => {
    // Put together, so that lint does not find them here.
    const open = '/' + '**'
    const text = `${open} Of the request, so that it fits. */\nconst a = 1\n${open}\n * Whether it fits.\n */\nconst b = 1\n`
    expect(rulesOf(text)).toEqual(['docstring-opening:1', 'docstring-opening:3'])
    expect(rulesOf('/** Renews the lease. What it returns is the end. */\nconst a = 1\n')).toEqual([])
  })

  it('titles of tests that do not stand alone are found, with each and template strings too', () => {
    const file = 'server/src/hosts/planted.spec.ts'
    expect(rulesOf("it('lists them', () => {})\n", file)).toEqual(['test-title:1'])
    expect(rulesOf("it.each([1])('that is planned changes nothing %s', () => {})\n", file)).toEqual([
      'test-title:1',
    ])
    expect(rulesOf('test.skipIf(reason)(`with ${' + 'hosts} hosts it works`, () => {})\n', file)).toEqual([
      'test-title:1',
    ])
    expect(rulesOf("it('a plan changes nothing on the host', () => {})\n", file)).toEqual([])
  })

  it('a method of something named "test" is no test', () => {
    expect(rulesOf("test.query('SELECT 1')\n", 'server/src/hosts/planted.db.spec.ts')).toEqual([])
  })

  it('files over the maximum are found, shipped ones and specs apart, and no catalogue', () => {
    const text = '// a line\n'.repeat(MAX_FILE_LINES + 1)
    expect(rulesOf(text)).toEqual(['file-length:301'])
    expect(rulesOf(text, 'test/e2e/planted.spec.ts')).toEqual(['spec-length:301'])
    expect(rulesOf(text, 'web/src/i18n/en.ts')).toEqual([])
    expect(rulesOf('// a line\n'.repeat(MAX_FILE_LINES))).toEqual([])
  })

  it('overlong lines of prose are found in pages that are written by hand', () => {
    const page = `${'word '.repeat(40)}\n`
    expect(rulesOf(page, 'docs/planted.md')).toEqual(['markdown-width:1'])
    expect(rulesOf(page, 'docs/benchmarks.md')).toEqual([])
  })

  it('findings up to a limit pass, and every finding of a rule over its limit is reported', () => {
    const findings = checkFile('server/src/planted.ts', 'const MOST_A = 1\nconst MOST_B = 1\n')
    expect(toReport(findings, { ...LIMITS, 'old-name': 2 })).toBeNull()
    const report = toReport(findings, { ...LIMITS, 'old-name': 1 })
    expect(report).toContain('server/src/planted.ts:1: MOST_A → MAX_…')
    expect(report).toContain('server/src/planted.ts:2: MOST_B → MAX_…')
  })
})
