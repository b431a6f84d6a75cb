import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { interpolate, TemplateError } from './interpolate.ts'

const VARIABLES: Record<string, string> = { SET: 'value', EMPTY: '', OTHER: 'other', _under1: 'u' }
const lookup = (name: string) => (Object.hasOwn(VARIABLES, name) ? VARIABLES[name] : undefined)
const put = (text: string) => interpolate(text, lookup)

describe('variables in a text', () => {
  it.each([
    ['$SET', 'value'],
    ['${SET}', 'value'],
    ['a${SET}b$OTHER-c', 'avaluebother-c'],
    ['$_under1', 'u'],
    ['$$SET', '$SET'],
    ['$$$SET', '$value'],
    ['$', '$'],
    ['a $ b', 'a $ b'],
    ['$1', '$1'],
    ['${EMPTY}', ''],
    ['${SET:-x}', 'value'],
    ['${EMPTY:-x}', 'x'],
    ['${UNSET:-x}', 'x'],
    ['${SET-x}', 'value'],
    ['${EMPTY-x}', ''],
    ['${UNSET-x}', 'x'],
    ['${UNSET:-}', ''],
    ['${UNSET-}', ''],
    ['${SET:+x}', 'x'],
    ['${EMPTY:+x}', ''],
    ['${UNSET:+x}', ''],
    ['${SET+x}', 'x'],
    ['${EMPTY+x}', 'x'],
    ['${UNSET+x}', ''],
    ['${SET:?why}', 'value'],
    ['${EMPTY?why}', ''],
    ['${UNSET:-${OTHER}}', 'other'],
    ['${UNSET:-a${UNSET:-b${SET}}c}d', 'abvaluecd'],
    ['${UNSET:-http://x:80/?a=b}', 'http://x:80/?a=b'],
    ['${UNSET:-$$x}', '$x'],
    ['${SET:+${OTHER}}', 'other'],
  ])('the text %s becomes %j as Compose makes it', (text, expected) => {
    expect(put(text)).toBe(expected)
  })

  it.each(['$UNSET', '${UNSET}', '${UNSET:?why}', '${EMPTY:?why}', '${UNSET?}', '${UNSET:-${ALSO}}'])(
    'the text %s is refused, since a variable has no value',
    (text) => {
      expect(() => put(text)).toThrow(/needs the variable (UNSET|EMPTY|ALSO)/)
    },
  )

  it.each(['${', '${SET', '${}', '${1a}', '${a b}', '${SET!x}', '${SET:x}', 'x${ SET }'])(
    'the text %s is refused as no template',
    (text) => {
      expect(() => put(text)).toThrow(TemplateError)
    },
  )

  it('the message of a required variable is told as written, never with the value of another variable', () => {
    const secret = (name: string) => (name === 'SECRET' ? 'hunter2' : undefined)
    expect(() => interpolate('${A:?ask for $SECRET}', secret)).toThrow('ask for $SECRET')
  })

  it('any text with its dollars doubled comes out as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(put(text.replaceAll('$', '$$$$'))).toBe(text)
      }),
    )
  })

  it('any text gives a text or a TemplateError, in bounded time', () => {
    const part = fc.constantFrom('${', '}', '$', 'SET', 'UNSET', ':-', '-', ':?', '+', '{', ' ', 'x')
    fc.assert(
      fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
        try {
          expect(typeof put(parts.join(''))).toBe('string')
        } catch (error) {
          expect(error).toBeInstanceOf(TemplateError)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('variables that make a text grow without end are refused', () => {
    const big = 'x'.repeat(200_000)
    expect(() => interpolate('$A$A$A', () => big)).toThrow('too long')
    expect(() => put(`${'${UNSET:-'.repeat(30)}${'}'.repeat(30)}`)).toThrow('nested too deep')
  })
})
