import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { PlanningServer } from './testing/planning-server.ts'

const toFile = (host: string, replicas: number) => `name: shop
services:
  web:
    image: registry.lan/web:1
    deploy: {replicas: ${replicas}}
    x-rollcall: {place: {select: "on=${host}"}}
`

interface Shown {
  id: string
  slot: number
  generation: number
  host: { name: string }
  wanted: string
  isHeld: boolean
  replacedBy: string | null
}

let planning: PlanningServer
beforeAll(async () => {
  planning = await PlanningServer.open()
})
afterAll(() => planning?.close())
beforeEach(() => planning.addImage('registry.lan/web', 'amd64'))
afterEach(() => planning.reset())

/** Applies a file as to hosts that have heard of every instance, and do not answer at the moment. */
async function apply(host: string, replicas: number): Promise<void> {
  await planning.query("UPDATE host SET labels = jsonb_build_object('on', name)")
  await planning.planAndApply(toFile(host, replicas))
  await planning.query('UPDATE instance SET command_id = gen_random_uuid() WHERE command_id IS NULL')
}
const remove = async () => {
  await planning.post('/api/services/shop%2Fweb/operations', { action: 'remove' })
}
const slots = async (number: number): Promise<Shown[]> =>
  (await planning.get('/api/services/shop%2Fweb')).instances.filter(({ slot }: Shown) => slot === number)

it.each([
  ['was given up', () => apply('app-1', 2)],
  ['was removed with its service', remove],
])(
  'a slot that %s and is wanted again waits for all that is left of it, with a higher generation',
  async (_, leave) => {
    await apply('app-1', 3)
    await leave()
    await apply('app-1', 3)
    const [old, successor] = await slots(3)
    expect(old).toMatchObject({ wanted: 'gone', generation: 1, replacedBy: successor?.id })
    expect(successor).toMatchObject({ wanted: 'running', generation: 2, isHeld: true, replacedBy: null })
    await leave()
    await apply('app-1', 3)
    const third = (await slots(3)).find(({ wanted }) => wanted === 'running')
    expect(third).toMatchObject({ generation: 3, isHeld: true })
    expect((await slots(3)).filter(({ replacedBy }) => replacedBy === third?.id)).toHaveLength(2)
  },
)

it('a slot that is given up while it moves leaves both hosts, and one that moves on leaves both one after the other', async () => {
  await apply('app-1', 3)
  await apply('app-2', 3)
  await apply('app-3', 2)
  const wanted = async (slot: number) =>
    (await slots(slot)).map(({ host, wanted, replacedBy }) => [host.name, wanted, replacedBy !== null]).sort()
  expect(await wanted(3)).toEqual([
    ['app-1', 'gone', true],
    ['app-2', 'gone', false],
  ])
  expect(await wanted(1)).toEqual([
    ['app-1', 'running', true],
    ['app-2', 'running', true],
    ['app-3', 'running', false],
  ])
  const [first] = (await slots(1)).filter(({ replacedBy }) => replacedBy === null)
  expect((await slots(1)).filter(({ replacedBy }) => replacedBy === first?.id)).toHaveLength(2)
  expect(first).toMatchObject({ generation: 3, isHeld: true })
})
