import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readEnvFile } from './env-file.ts'

const read = (text: string, given: Record<string, string> = {}) => {
  const { variables, faults } = readEnvFile(text, { lookup: (name) => given[name] })
  return { variables: Object.fromEntries(variables), faults }
}

describe('an env file', () => {
  it.each([
    ['A=1', { A: '1' }],
    ['export A=1', { A: '1' }],
    ['A: 1', { A: '1' }],
    ['  A = 1  ', { A: '1' }],
    ['A=', { A: '' }],
    ['A=x #y', { A: 'x' }],
    ['A=x#y', { A: 'x#y' }],
    ["A='x #y' # z", { A: 'x #y' }],
    ["A='$B\\n'", { A: '$B\\n' }],
    ["A='it\\'s'", { A: "it's" }],
    ['A="x\\ny"', { A: 'x\ny' }],
    ['A="\\$B \\"q\\" \\\\ \\t"', { A: '$B "q" \\ \t' }],
    ['A="x\ny"\nB=2', { A: 'x\ny', B: '2' }],
    ["A='x\n\n# no comment\ny'", { A: 'x\n\n# no comment\ny' }],
    ['B=1\nA=$B${C:-d}', { B: '1', A: '1d' }],
    ['A=a=b', { A: 'a=b' }],
    ['# c\n\nA=1\r\nB=2\r\n', { A: '1', B: '2' }],
    ['\uFEFFA=1', { A: '1' }],
    ['A.b-c=1', { 'A.b-c': '1' }],
    ['A=1\nA=2', { A: '2' }],
  ])('the text %j is read as Compose reads it', (text, expected) => {
    expect(read(text)).toEqual({ variables: expected, faults: [] })
  })

  it('a name without a value takes it from where the file is read, and a variable there wins within values', () => {
    expect(read('TZ\nMISSING\nHOME=/x\nA=$HOME', { TZ: 'UTC', HOME: '/root' }).variables).toEqual({
      TZ: 'UTC',
      HOME: '/x',
      A: '/root',
    })
  })

  it('every line that cannot be read is named without its value', () => {
    const { faults } = read('1A=secret\nB=\'secret\nC=$NONE\nD="secret" secret\n=secret\nsecret words')
    expect(faults.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6])
    expect(JSON.stringify(faults)).not.toContain('secret')
  })

  it('a raw file keeps values as they stand', () => {
    const { variables } = readEnvFile(`A="x" #y $B\nC='d'`, { isRaw: true })
    expect(Object.fromEntries(variables)).toEqual({ A: '"x" #y $B', C: "'d'" })
  })

  it('any value in single quotes comes out as it was', () => {
    const value = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/['\\\r]/g, ''))
    fc.assert(
      fc.property(value, (text) => {
        expect(read(`A='${text}'\nB=1`)).toEqual({ variables: { A: text, B: '1' }, faults: [] })
      }),
    )
  })

  it('any text is read or has faults with lines, and never throws', () => {
    const part = fc.constantFrom(
      'A',
      '=',
      '"',
      "'",
      '\\',
      '\n',
      '#',
      ' ',
      '$',
      '{',
      '}',
      ':',
      'export ',
      '\r\n',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 80 }), (parts) => {
        const text = parts.join('')
        const { faults } = read(text)
        expect(faults.every(({ line }) => line >= 1 && line <= text.split('\n').length)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})
