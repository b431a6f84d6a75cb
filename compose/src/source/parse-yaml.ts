import { LineCounter, parseDocument, type YAMLError } from 'yaml'
import { MAX_DEPTH, MAX_FAULTS, MAX_TEXT_BYTES } from '../limits.ts'
import type { Fault } from './fault.ts'
import type { Node } from './tree.ts'
import { TreeBuilder } from './tree-builder.ts'

const TOO_DEEP = {
  code: 'request.too_large',
  reason: 'is nested too deep',
  instead: `write at most ${MAX_DEPTH} levels`,
} as const

/** Explains the parser's codes. Its own messages may repeat values of the file, and values may be secrets. */
const REASONS: Partial<Record<YAMLError['code'], [reason: string, instead: string]>> = {
  BAD_ALIAS: ['has an alias without its anchor', 'define &name before *name is used'],
  BAD_DQ_ESCAPE: ['has an escape that YAML does not know', 'use single quotes, or write two backslashes'],
  BAD_INDENT: [
    'is not indented like its neighbours',
    'indent keys of one mapping by the same number of spaces',
  ],
  BAD_SCALAR_START: ['begins with a character that YAML reserves', 'put the value in quotes'],
  BLOCK_AS_IMPLICIT_KEY: [
    'has a mapping where a value stands already',
    'put a value with ": " in it in quotes',
  ],
  MISSING_CHAR: ['lacks a character', 'close the quote or bracket, and write a space after each colon'],
  MULTIPLE_DOCS: ['has several YAML documents', 'keep one document for a file: remove the "---"'],
  TAB_AS_INDENT: ['is indented by a tab', 'indent with spaces'],
  TAG_RESOLVE_FAILED: [
    'has a tag that is not known',
    'remove it; !reset and !override are for merging several files, and one file is read here',
  ],
}

/**
 * Parses a text as Compose does: YAML 1.2 with merge keys, one document, no key twice. Returns the tree with the places of everything, or
 * faults.
 */
export function parseYaml(text: string): { root: Node | undefined; faults: Fault[] } {
  const start = { line: 1, column: 1, key: '' }
  if (text.length > MAX_TEXT_BYTES || new TextEncoder().encode(text).length > MAX_TEXT_BYTES)
    return {
      root: undefined,
      faults: [
        {
          code: 'request.too_large',
          line: 1,
          column: 1,
          key: '',
          reason: `is longer than ${MAX_TEXT_BYTES / 1024} KiB`,
          instead: 'split it into several files, and give large contents as files',
        },
      ],
    }
  const lines = new LineCounter()
  const toPlace = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  try {
    const document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      // Both are the builder's: it knows places, and does not compare every key with every other.
      merge: false,
      uniqueKeys: false,
      lineCounter: lines,
      prettyErrors: false,
    })
    const faults = [...document.errors, ...document.warnings].slice(0, MAX_FAULTS).map(({ pos, code }) => ({
      ...toPlace(pos[0]),
      key: '',
      ...toReason(code),
    }))
    if (faults.length > 0) return { root: undefined, faults }
    const builder = new TreeBuilder(document, toPlace)
    return { root: builder.build(), faults: builder.faults }
  } catch (error) {
    // Parsing recurses: a stack that is used up is a text that is nested too deep.
    if (!(error instanceof RangeError)) throw error
    return { root: undefined, faults: [{ ...start, ...TOO_DEEP }] }
  }
}

function toReason(code: YAMLError['code']): Pick<Fault, 'code' | 'reason' | 'instead'> {
  if (code === 'RESOURCE_EXHAUSTION') return TOO_DEEP
  const [reason, instead] = REASONS[code] ?? [
    `is not valid YAML (${code.toLowerCase().replaceAll('_', ' ')})`,
    'correct the line; a value with ": " or " #" in it goes in quotes',
  ]
  return { code: 'service.invalid', reason, instead }
}
