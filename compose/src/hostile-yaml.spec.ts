import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readServices } from './index.ts'
import { fixtures } from './testing/fixtures.ts'

const MAX_CPU_US = 5_000_000

/** Reads a hostile text. Fails unless it gives a spec or faults, within five seconds of the processor. */
function survive(text: string): void {
  const startedAt = process.cpuUsage()
  const { spec, faults } = readServices(text)
  expect(spec === undefined).toBe(faults.length > 0)
  expect(faults.length).toBeLessThanOrEqual(500)
  expect(process.cpuUsage(startedAt).user).toBeLessThan(MAX_CPU_US)
}

describe('hostile YAML', () => {
  it.each([
    ['a hundred thousand open brackets', '['.repeat(100_000)],
    ['65,000 open braces', '{a: '.repeat(65_000)],
    ['nested dashes', '- '.repeat(100_000)],
    ['nested questions', '? '.repeat(100_000)],
    ['nested indentation', Array.from({ length: 1200 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['a mapping of 25,000 keys', Array.from({ length: 25_000 }, (_, i) => `k${i}: 1`).join('\n')],
    ['the same key again and again', 'a: 1\n'.repeat(50_000)],
    ['18,000 services', `services:\n${Array.from({ length: 18_000 }, (_, i) => `  s${i}: {}`).join('\n')}`],
    ['an endless line', `services: ${'x'.repeat(260_000)}`],
    [
      'a thousand anchors',
      `services:\n${Array.from({ length: 7000 }, (_, i) => `  s${i}: &a${i} {image: n}`).join('\n')}`,
    ],
    [
      'merges of merges',
      `x-0: &m0 {a: 1}\n${Array.from({ length: 40 }, (_, i) => `x-${i + 1}: &m${i + 1} {<<: [*m${i}, *m${i}], k${i}: 1}`).join('\n')}\nservices: {}`,
    ],
    ['comments alone', '#\n'.repeat(130_000)],
    ['quotes without an end', `a: "${'\\n'.repeat(130_000)}`],
    ['carriage returns and NULs', 'services:\r\r\r\0\0\n\0: 1'],
    ['directives', '%YAML 9.9\n%TAG ! tag:x,2000:\n---\nservices: !x {}'],
    ['tags', 'services: !!js/function "x"\nvolumes: !!binary aGk=\n'],
    [
      'prototype keys',
      'services:\n  __proto__: {image: n}\n  constructor: {image: n, toString: 1, __proto__: 2}\nvolumes: {hasOwnProperty: {}}\n',
    ],
    ['variables in variables', `services: {a: {image: "${'${A:-'.repeat(5000)}${'}'.repeat(5000)}"}}`],
  ])('hostile YAML ends in time with faults or a spec: %s', (_name, text) => {
    survive(text)
  })

  it('any text of YAML’s own characters is read or refused, and never throws', () => {
    const part = fc.constantFrom(
      'services',
      'web',
      'image',
      ': ',
      ':',
      '\n',
      '  ',
      '    ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '&a ',
      '*a',
      '<<: ',
      '"',
      "'",
      '|\n',
      '>-\n',
      '!!str ',
      '#',
      ', ',
      '? ',
      '\t',
      '%',
      '@',
      '`',
      '${A}',
      '~',
      '1',
      '---\n',
      '\0',
      '\u2028',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 60 }), (parts) => survive(parts.join(''))),
      { numRuns: 1000 },
    )
  })

  it('any real file with pieces cut, doubled or exchanged is read or refused, and never throws', () => {
    const cut = fc.tuple(
      fc.constantFrom(...fixtures),
      fc.nat(),
      fc.nat(60),
      fc.constantFrom('', '\n', '  ', ': ', '*x', '{', '"', '\0', '- '),
    )
    fc.assert(
      fc.property(cut, ([{ text }, at, length, added]) => {
        const start = at % text.length
        survive(text.slice(0, start) + added + text.slice(start + length))
      }),
      { numRuns: 300 },
    )
  })
})
