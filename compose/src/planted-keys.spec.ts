import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LineCounter, parseDocument, visit } from 'yaml'
import { type Fixture, fixtures, readFixture } from './testing/fixtures.ts'

const PLANTED = 'zzz_planted'

interface Spot {
  fixture: Fixture
  /** The file with a key more, and the line of that key. */
  text: string
  line: number
  /** Keys that lead to the mapping. */
  path: string
}

/** Yields the fixture once for every mapping in it, with an unknown key added at its beginning. */
function plant(fixture: Fixture): Spot[] {
  const spots: Spot[] = []
  visit(parseDocument(fixture.text), {
    Map(_key, map, ancestors) {
      const [first] = map.items
      const at = (first?.key as { range?: [number, number, number] } | undefined)?.range?.[0]
      if (at === undefined) return
      const start = fixture.text.lastIndexOf('\n', at - 1) + 1
      const before = fixture.text.slice(start, at)
      const added =
        map.flow || !/^[ -]*$/.test(before)
          ? `${PLANTED}: 1, `
          : `${PLANTED}: 1\n${before.replace(/-/g, ' ')}`
      const text = fixture.text.slice(0, at) + added + fixture.text.slice(at)
      const lines = new LineCounter()
      const document = parseDocument(text, { lineCounter: lines })
      if (document.errors.length > 0) throw new Error(`${fixture.name}: the planted file is no YAML`)
      const path = [...ancestors, map]
        .flatMap((node) => ('key' in node && node.key ? [String(node.key)] : []))
        .join('.')
      spots.push({ fixture, text, line: text.slice(0, at).split('\n').length, path })
    },
  })
  return spots
}

const spots = fixtures.flatMap(plant)
/** Names that the file chooses: there the planted key is one more of them. */
const IS_OF_NAMES = /\.(environment|labels)$/

/** Tells whether the planted key is named by a fault, said to be the file's own, below a key that is refused whole, or in the result. */
function isNamed(spot: Spot): boolean {
  const { spec, faults, keys } = readFixture({ text: spot.text, variables: spot.fixture.variables })
  const isPlanted = (text: string) => text.includes(PLANTED)
  if (faults.some(({ line, key, reason }) => line === spot.line && isPlanted(key + reason))) return true
  if (keys.some(({ line, key }) => line === spot.line && isPlanted(key))) return true
  const reported = [...faults, ...keys.filter(({ standing }) => standing === 'otherwise')]
  if (reported.some(({ key }) => key !== '' && `${spot.path}.`.startsWith(`${key}.`))) return true
  return spec ? isPlanted(JSON.stringify(spec)) : IS_OF_NAMES.test(spot.path)
}

it('an unknown key at any place of any file is named with its line, or is in the result', () => {
  expect(spots.length).toBeGreaterThan(300)
  const silent = spots
    .filter((spot) => !isNamed(spot))
    .map(({ fixture, path, line }) => `${fixture.name}:${line} ${path}`)
  expect(silent).toEqual([])
})

it('a value of a wrong kind at any place of any file is never an exception, and its faults have lines of the file', () => {
  const values = [
    '[]',
    '{}',
    '""',
    '~',
    '"\\0"',
    '-1',
    '1e9',
    '[[1]]',
    '{a: {b: 1}}',
    '"../../x"',
    '"%n"',
    '"a\\nb"',
    '*x',
  ]
  fc.assert(
    fc.property(fc.constantFrom(...spots), fc.constantFrom(...values), (spot, value) => {
      const text = spot.text.replace(`${PLANTED}: 1`, `${PLANTED}: ${value}`)
      const { faults, spec } = readFixture({ text, variables: spot.fixture.variables })
      const count = text.split('\n').length
      expect(faults.every(({ line, column }) => line >= 1 && line <= count && column >= 1)).toBe(true)
      expect(spec === undefined).toBe(faults.length > 0)
    }),
    { numRuns: 300 },
  )
})
