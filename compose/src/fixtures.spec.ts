import { describe, expect, it } from 'vitest'
import { type ReadServices, type ServiceFile, serviceFile } from './index.ts'
import { fixtures, readFixture, toExpectedPath } from './testing/fixtures.ts'

describe('Compose files in the shape of well-known ones', () => {
  it('at least 25 files are read', () => {
    expect(fixtures.length).toBeGreaterThanOrEqual(25)
  })

  it.each(fixtures)('the file $name is taken with what is told, or refused by list', async (fixture) => {
    await expect(render(readFixture(fixture))).toMatchFileSnapshot(toExpectedPath(fixture))
  })
})

it('what a file means survives being stored as JSON', () => {
  const specs = fixtures.flatMap((fixture) => readFixture(fixture).spec ?? [])
  expect(specs.length).toBeGreaterThan(10)
  for (const spec of specs) {
    const stored: ServiceFile = serviceFile.parse(JSON.parse(JSON.stringify(spec)))
    expect(stored).toEqual(spec)
  }
})

/** Renders a result for the eye: what is told or refused by line, then the groups. */
function render({ spec, faults, keys }: ReadServices): string {
  const otherwise = keys
    .filter(({ standing }) => standing === 'otherwise')
    .map(({ line, key, says }) => `${line} ${key}: ${says}`)
  const refused = faults.map(
    ({ line, column, key, code, reason, instead }) =>
      `${line}:${column} ${key} ${reason} (${code}); ${instead}`,
  )
  const groups = spec?.groups.map(
    ({ name, replicas, services }) =>
      `${name} × ${replicas ?? 'every host'}: ${services.map((service) => service.name).join(', ')}`,
  )
  const sections = [
    ['refused', refused],
    ['taken otherwise', otherwise],
    ['groups', groups ?? []],
  ] as const
  return sections
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => `${title}\n${lines.map((line) => `  ${line}\n`).join('')}`)
    .join('')
}
