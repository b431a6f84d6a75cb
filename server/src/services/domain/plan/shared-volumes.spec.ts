import { expect, it } from 'vitest'
import { foreignVolumeFaults, sharedVolumeNotes, volumeNamesOf } from './shared-volumes.ts'
import { resolved } from './testing/plan-views.ts'

const definitions = (volume: string) =>
  resolved(
    `name: shop\nservices: {web: {image: "web:1", volumes: ["data:/data"]}}\nvolumes: {data: ${volume}}\n`,
  ).map(({ definition }) => definition)
const of = (project: string, service: string, name: string, host = 'app-1') => ({
  project,
  service,
  name,
  host,
})
const findKey = (path: string) => (path === 'volumes.data' ? { line: 3, column: 11 } : undefined)

it('a volume of another project is refused with its place and both remedies, however its name came about', () => {
  for (const [volume, name] of [
    ['{name: theirs}', 'theirs'],
    ['{}', 'shop_data'],
  ] as const) {
    expect(volumeNamesOf(definitions(volume))).toEqual([name])
    const [fault, ...more] = foreignVolumeFaults(definitions(volume), [of('crm', 'db', name)], false, findKey)
    expect(more).toEqual([])
    expect(fault).toMatchObject({ line: 3, code: 'service.invalid' })
    expect(fault?.reason).toContain(`${name} on hosts, which is a volume of crm/db`)
    expect(fault?.instead).toMatch(/"name".*"external: true"/)
  }
})

it('the other project of a volume is not named to whoever acts on some hosts only', () => {
  const faults = foreignVolumeFaults(definitions('{}'), [of('crm', 'db', 'shop_data')], true, findKey)
  expect(JSON.stringify(faults)).not.toContain('crm')
})

it('a volume that is said to be external, or that this project has data in already, is no fault', () => {
  const theirs = [of('crm', 'db', 'shop_data'), of('crm', 'db', 'theirs')]
  expect(foreignVolumeFaults(definitions('{external: true, name: theirs}'), theirs, false, findKey)).toEqual(
    [],
  )
  const mixed = [...theirs, of('shop', 'web', 'shop_data', 'app-2')]
  expect(foreignVolumeFaults(definitions('{}'), mixed, false, findKey)).toEqual([])
})

it('data of another service of the project is noted with its hosts, and own data is not', () => {
  const notes = sharedVolumeNotes(definitions('{}'), [
    of('shop', 'web', 'shop_data', 'app-3'),
    ...['app-2', 'app-1'].map((host) => of('shop', 'old-web', 'shop_data', host)),
  ])
  expect(notes).toEqual([
    'web: the volume shop_data has data of shop/old-web on app-1, app-2: an instance there uses it, and one elsewhere begins empty',
  ])
  expect(sharedVolumeNotes(definitions('{}'), [of('shop', 'web', 'shop_data')])).toEqual([])
})
