import {
  instanceOf,
  markOf,
  SERVICE_ID,
  serviceOf,
} from '@rollcall/contracts/admin/services/testing/service-views'
import { expect, it } from 'vitest'
import { ServicesMirror } from './services-mirror.ts'
import { servicesEvent } from './testing/views.ts'

const OTHER_ID = '00000000-0000-4000-8000-0000000000ff'

const watched = (slot: number, more: Parameters<typeof markOf>[1] = {}, serviceId = SERVICE_ID) => ({
  ...markOf(slot, more),
  serviceId,
})
const shown = (mirror: ServicesMirror) =>
  mirror.list().map(({ project, instances }) => [project, ...instances.map(({ slot }) => slot)])

it('a snapshot counts once its last part is there, and instances may come before their service', () => {
  const mirror = new ServicesMirror()
  const part = { isSnapshot: true, isComplete: false, services: [serviceOf()] }
  expect(mirror.take(servicesEvent({ ...part, marks: [watched(1, {}, OTHER_ID)] }))).toBe(false)
  expect(mirror.list()).toEqual([])
  const last = { isSnapshot: true, services: [serviceOf({ id: OTHER_ID, project: 'blog' })] }
  expect(mirror.take(servicesEvent({ ...last, marks: [watched(2), watched(1)] }))).toBe(true)
  expect(shown(mirror)).toEqual([
    ['blog', 1],
    ['shop', 1, 2],
  ])
})

it('half of a snapshot is forgotten when the connection begins anew', () => {
  const mirror = new ServicesMirror()
  mirror.take(servicesEvent({ isSnapshot: true, isComplete: false, services: [serviceOf()] }))
  mirror.restart()
  const services = [serviceOf({ id: OTHER_ID, project: 'blog' })]
  mirror.take(servicesEvent({ isSnapshot: true, services }))
  expect(shown(mirror)).toEqual([['blog']])
})

it('changes are merged, removals leave nothing behind, and a service that did not change stays the same object', () => {
  const mirror = new ServicesMirror()
  const services = [serviceOf(), serviceOf({ id: OTHER_ID, project: 'blog' })]
  mirror.take(servicesEvent({ isSnapshot: true, services, marks: [watched(1), watched(2)] }))
  const [blog, shop] = mirror.list()
  mirror.take(servicesEvent({ marks: [watched(2, { state: 'failed' })], removedInstances: [markOf(1).id] }))
  expect(mirror.list()[0]).toBe(blog)
  expect(mirror.list()[1]).not.toBe(shop)
  expect(mirror.list()[1]?.instances).toMatchObject([{ slot: 2, state: 'failed' }])
  mirror.take(servicesEvent({ removedServices: [OTHER_ID] }))
  expect(shown(mirror)).toEqual([['shop', 2]])
})

it('one service has its whole instances by slot, and nothing once it is removed', () => {
  const mirror = new ServicesMirror()
  const instances = [instanceOf(2), instanceOf(1)]
  mirror.take(servicesEvent({ isSnapshot: true, services: [serviceOf()], instances }))
  expect(mirror.find(SERVICE_ID)?.instances.map(({ name }) => name)).toEqual(['shop/web.1', 'shop/web.2'])
  mirror.take(servicesEvent({ removedServices: [SERVICE_ID] }))
  expect(mirror.find(SERVICE_ID)).toBeUndefined()
})
