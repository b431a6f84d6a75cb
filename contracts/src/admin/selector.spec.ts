import { describe, expect, it } from 'vitest'
import { newRun } from './runs/schemas.ts'
import { type LabelTerm, parseSelector, toTermText } from './selector.ts'

const parseTerms = (texts: readonly string[]) => texts.flatMap((text) => parseSelector(text) as LabelTerm[])

describe('a label selector', () => {
  it.each([
    '',
    ',',
    'a=b,',
    '=b',
    'a=b=c',
    'a in',
    'a in (',
    'a in b',
    'a in (b',
    'a in (b))',
    'a inn (b)',
    'a b',
    '! ',
    'a!',
    'ä=b',
    'a=b c',
    `${'k'.repeat(64)}=v`,
    `k=${'v'.repeat(64)}`,
  ])('the label selector %j is refused with a reason', (text) => {
    expect(typeof parseSelector(text)).toBe('string')
  })

  it('a label term that is formatted is parsed as the same term', () => {
    for (const text of ['zone=a', 'zone!=a', 'zone in (a,b)', 'zone notin (a,b)', 'zone', '!zone', 'zone='])
      expect(parseTerms(parseTerms([text]).map(toTermText))).toEqual(parseTerms([text]))
    expect(parseTerms(['zone==a', 'zone notin ( a, b )', '! zone']).map(toTermText)).toEqual([
      'zone=a',
      'zone notin (a,b)',
      '!zone',
    ])
  })

  it('any label selector is parsed within its time limit', () => {
    const began = performance.now()
    for (const part of ['(', ',', ' ', 'a in (', '!', '=', 'a.', '),('])
      parseSelector(part.repeat(1000 / part.length))
    expect(performance.now() - began).toBeLessThan(200)
  })
})

describe('where a run is to go', () => {
  const toFields = (body: object) =>
    newRun
      .safeParse({ program: 'true', ...body })
      .error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`)

  it('a target is given in exactly one way', () => {
    for (const body of [{ hosts: ['a'] }, { labels: ['env=prod'] }, { all: true }])
      expect(toFields(body)).toBeUndefined()
    expect(toFields({})).toEqual([expect.stringMatching(/^hosts is missing/)])
    expect(toFields({ hosts: ['a'], all: true })).toEqual([
      expect.stringMatching(/^all must not be given together/),
    ])
    expect(toFields({ labels: ['a', 'b in'] })).toEqual([
      expect.stringMatching(/^labels.1 has the term "b in"/),
    ])
    expect(toFields({ all: false })).toEqual([expect.stringMatching(/^all must be true/)])
  })

  it('the limits of a target are within their bounds', () => {
    const limited = (limits: object) => toFields({ all: true, limits })
    expect(limited({ concurrency: 3, batch: '25%', stopAfterFailures: 1 })).toBeUndefined()
    for (const batch of ['0%', '101%', 0, 10_001, 1.5, null])
      expect(limited({ batch })).toEqual([expect.stringMatching(/^limits.batch must be a number/)])
    expect(limited({ concurrency: 0 })).toHaveLength(1)
    expect(limited({ stopAfterFailures: 1 })).toEqual([
      expect.stringMatching(/^limits.stopAfterFailures needs/),
    ])
  })
})
