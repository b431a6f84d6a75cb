import { describe, expect, it } from 'vitest'
import { jsonDocument, jsonLine } from './json.ts'
import { table } from './table.ts'

describe('table', () => {
  it('columns of a table are aligned', () => {
    expect(
      table(
        ['NAME', 'STATE'],
        [
          ['a', 'online'],
          ['längerer', '-'],
        ],
      ),
    ).toBe('NAME      STATE\na         online\nlängerer  -\n')
  })

  it('no cell of a table acts on the terminal', () => {
    const shown = table(['NAME'], [['\x1b]0;owned\x07\x1b[2J\u202Eevil\nnext']])
    expect(shown).not.toMatch(/[^\P{C}\n]/u)
    expect(shown.split('\n')).toHaveLength(3)
  })
})

describe('JSON', () => {
  it('carries hostile text unharmed and cannot act on the terminal either', () => {
    const value = { text: '\x1b[2J\u009b\u202E\u{E0041}日本' }
    for (const text of [jsonLine(value), jsonDocument(value)]) {
      expect(text).not.toMatch(/[^\P{C}\n]/u)
      expect(JSON.parse(text)).toEqual(value)
    }
  })
})
