// Looks for what the style guide asks for and no other linter sees: names, docstrings, titles of tests, lengths of files.
// "node scripts/lint/language.ts" checks; with "--list RULE" it prints all that a rule finds.
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import ts from 'typescript'
import {
  ADVICE,
  CATALOGUES,
  DOCSTRING_OPENING,
  LIMITS,
  MAX_FILE_LINES,
  MIN_TITLE_WORDS,
  OLD_NAMES,
  type Rule,
  TITLE_OPENING,
} from './language-rules.ts'
import { findLongLines, GENERATED_PAGES } from './markdown.ts'

export type Finding = { rule: Rule; file: string; line: number; text: string }

const MAX_SHOWN = 20
const IS_TEST = /\.spec\.tsx?$|^test\/|\/test\/|\/testing\//
const TEST_FUNCTIONS = new Set(['it', 'test'])
const TEST_MODIFIERS = new Set([
  'concurrent',
  'each',
  'fails',
  'for',
  'only',
  'runIf',
  'sequential',
  'skip',
  'skipIf',
])

/** Checks one file. Returns what breaks a rule, in no order. */
export function checkFile(file: string, text: string): Finding[] {
  if (file.endsWith('.md')) return GENERATED_PAGES.includes(file) ? [] : checkMarkdown(file, text)
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest)
  const findings = [...checkLength(file, text), ...checkDocstrings(file, text)]
  const toLine = (node: ts.Node) => source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
  const visit = (node: ts.Node) => {
    const found = checkName(node) ?? checkSpread(node) ?? checkTitle(node)
    if (found) findings.push({ file, line: toLine(node), ...found })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return findings
}

/** Compares counts with the limits. Returns a text for people, null where no limit is exceeded. */
export function toReport(findings: Finding[], limits: Record<Rule, number> = LIMITS): string | null {
  const texts = (Object.keys(limits) as Rule[]).flatMap((rule) => {
    const found = findings.filter((finding) => finding.rule === rule)
    if (found.length <= limits[rule]) return []
    const shown = found.slice(0, MAX_SHOWN).map(({ file, line, text }) => `  ${file}:${line}: ${text}`)
    const rest = found.length > MAX_SHOWN ? `\n  … and ${found.length - MAX_SHOWN} more: --list ${rule}` : ''
    return [`${rule}: ${found.length}, at most ${limits[rule]} (${ADVICE[rule]})\n${shown.join('\n')}${rest}`]
  })
  return texts.length > 0 ? texts.join('\n') : null
}

type Found = Pick<Finding, 'rule' | 'text'>

function checkMarkdown(file: string, text: string): Finding[] {
  return findLongLines(text).map((line) => ({ rule: 'markdown-width', file, line, text: 'overlong line' }))
}

function checkLength(file: string, text: string): Finding[] {
  const lines = text.split('\n').length - 1
  if (lines <= MAX_FILE_LINES || CATALOGUES.includes(file)) return []
  return [
    { rule: IS_TEST.test(file) ? 'spec-length' : 'file-length', file, line: lines, text: `${lines} lines` },
  ]
}

function checkDocstrings(file: string, text: string): Finding[] {
  return [...text.matchAll(/\/\*\*\s*(?:\*\s*)?(\S[^\n]*)/g)].flatMap(({ 1: opening = '', index }) =>
    DOCSTRING_OPENING.test(opening)
      ? [
          {
            rule: 'docstring-opening' as const,
            file,
            line: text.slice(0, index).split('\n').length,
            text: opening.slice(0, 80),
          },
        ]
      : [],
  )
}

/** Imports and uses repeat a name that its declaration has given. */
function checkName(node: ts.Node): Found | undefined {
  const isDeclaration =
    ts.isVariableDeclaration(node) ||
    ts.isBindingElement(node) ||
    ts.isParameter(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isPropertySignature(node) ||
    ts.isMethodSignature(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node)
  if (!isDeclaration || !node.name) return undefined
  if (!ts.isIdentifier(node.name) && !ts.isPrivateIdentifier(node.name)) return undefined
  const name = node.name.text
  const old = OLD_NAMES.find(({ pattern }) => pattern.test(name.replace(/^#/, '')))
  return old && { rule: 'old-name', text: `${name} → ${old.use}` }
}

function checkSpread(node: ts.Node): Found | undefined {
  const isFresh =
    (ts.isSpreadAssignment(node) && ts.isObjectLiteralExpression(node.expression)) ||
    (ts.isSpreadElement(node) && ts.isArrayLiteralExpression(node.expression))
  return isFresh ? { rule: 'fresh-spread', text: 'a fresh literal is spread' } : undefined
}

function checkTitle(node: ts.Node): Found | undefined {
  if (!ts.isCallExpression(node) || !isTestFunction(node.expression)) return undefined
  const [title] = node.arguments
  if (!title || !(ts.isStringLiteralLike(title) || ts.isTemplateExpression(title))) return undefined
  const text = ts.isStringLiteralLike(title)
    ? title.text
    : title.head.text + title.templateSpans.map((span) => `$x${span.literal.text}`).join('')
  const isAlone = !TITLE_OPENING.test(text) && text.trim().split(/\s+/).length >= MIN_TITLE_WORDS
  return isAlone ? undefined : { rule: 'test-title', text }
}

/** `it`, `it.each(table)`, `it.skipIf(reason)` and the like; no method of an object that is named `test`. */
function isTestFunction(expression: ts.Expression): boolean {
  if (ts.isIdentifier(expression)) return TEST_FUNCTIONS.has(expression.text)
  if (ts.isCallExpression(expression)) return isTestFunction(expression.expression)
  if (ts.isTaggedTemplateExpression(expression)) return isTestFunction(expression.tag)
  if (!ts.isPropertyAccessExpression(expression)) return false
  return TEST_MODIFIERS.has(expression.name.text) && isTestFunction(expression.expression)
}

/** Returns the files that Git knows or may add, those changed last first: they most likely hold what is new. */
function listFiles(): string[] {
  const patterns = ['*.ts', '*.tsx', '*.mjs', '*.cjs', '*.md']
  const args = [
    'ls-files',
    '-z',
    '--cached',
    '--others',
    '--exclude-standard',
    '--deduplicate',
    '--',
    ...patterns,
  ]
  const names = execFileSync('git', args, { encoding: 'utf8' }).split('\0').filter(Boolean)
  return names
    .map((name) => ({ name, changedAt: statSync(name, { throwIfNoEntry: false })?.mtimeMs }))
    .filter(({ changedAt }) => changedAt !== undefined)
    .sort((one, other) => Number(other.changedAt) - Number(one.changedAt))
    .map(({ name }) => name)
}

if (import.meta.main) {
  const findings = listFiles().flatMap((file) => checkFile(file, readFileSync(file, 'utf8')))
  const [flag, rule] = process.argv.slice(2)
  const listed = findings.filter((finding) => flag === '--list' && finding.rule === rule)
  for (const { file, line, text } of listed) console.log(`${file}:${line}: ${text}`)
  if (flag === '--counts')
    for (const name of Object.keys(LIMITS))
      console.log(`${name}: ${findings.filter((finding) => finding.rule === name).length}`)
  const report = flag === undefined ? toReport(findings) : null
  if (report) {
    console.log(report)
    process.exitCode = 1
  }
}
