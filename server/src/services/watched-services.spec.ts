import { describe, expect, it } from 'vitest'
import { instanceRecord, serviceRecord } from './testing/records.ts'
import { type AskedServices, type ServicesReading, WatchedServices } from './watched-services.ts'

const [SHOP, BLOG] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']

/** Takes a reading at once. */
function take(watched: WatchedServices, read: ServicesReading, asked?: AskedServices) {
  const steps = watched.take(read, asked)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

const shop = serviceRecord({ id: SHOP })
const instance = (slot: number, more: Parameters<typeof instanceRecord>[0] = {}) =>
  instanceRecord({ id: `0000000${slot}`, serviceId: SHOP, slot, ...more })
const asked = (instanceIds: string[], serviceIds: string[] = []): AskedServices => ({
  instanceIds: new Set(instanceIds),
  serviceIds: new Set(serviceIds),
})
const NOTHING = { services: [], marks: [], instances: [], removedServices: [], removedInstances: [] }

describe('services that are watched', () => {
  it('a reading in which nothing differs is no news', () => {
    const watched = new WatchedServices(null, false)
    const read = () => ({ services: [shop], instances: [instance(1), instance(2)] })
    expect(take(watched, read()).marks).toHaveLength(2)
    expect(take(watched, read())).toEqual(NOTHING)
  })

  it('one instance that changed is told with the counts of its service, and no other instance', () => {
    const watched = new WatchedServices(null, false)
    take(watched, { services: [shop], instances: [instance(1), instance(2)] })
    const read = { services: [], instances: [instance(2, { state: 'failed' })] }
    const news = take(watched, read, asked(['00000002']))
    expect(news.marks).toMatchObject([{ slot: 2, state: 'failed', serviceId: SHOP }])
    expect(news.services).toMatchObject([{ id: SHOP, counts: { running: 1, failed: 1 }, state: 'degraded' }])
  })

  it('a mark carries nothing of what containers and checks report', () => {
    const watched = new WatchedServices(null, false)
    const checks = [{ container: 'web', kind: 'http', state: 'failed', detail: '503', atMs: 1 }] as never
    take(watched, { services: [shop], instances: [instance(1)] })
    const read = { services: [], instances: [instance(1, { checks })] }
    expect(take(watched, read, asked(['00000001']))).toEqual(NOTHING)
  })

  it('instances and services that are not found any more are removed once', () => {
    const watched = new WatchedServices(null, true)
    take(watched, { services: [shop], instances: [instance(1), instance(2)] })
    const gone = asked(['00000002'])
    expect(take(watched, { services: [], instances: [] }, gone).removedInstances).toEqual(['00000002'])
    expect(take(watched, { services: [], instances: [] }, gone)).toEqual(NOTHING)
    expect(take(watched, { services: [], instances: [] }).removedServices).toEqual([SHOP])
    expect(watched.snapshot()).toEqual(NOTHING)
  })

  it('a service whose last visible instance moves beyond the scope is removed, and comes back whole', () => {
    const watched = new WatchedServices(['env=prod'], false)
    const outside = { isVisible: false }
    take(watched, { services: [shop], instances: [instance(1), instance(2, outside)] })
    expect(watched.snapshot().marks.map(({ slot }) => slot)).toEqual([1])
    const read = { services: [], instances: [instance(1, outside)] }
    expect(take(watched, read, asked(['00000001'])).removedServices).toEqual([SHOP])
    const back = take(watched, { services: [], instances: [instance(1)] }, asked(['00000001']))
    expect([back.services.length, back.marks.map(({ slot }) => slot)]).toEqual([1, [1]])
  })

  it('an instance that enters the scope is told, and one that leaves it is removed by its id alone', () => {
    const watched = new WatchedServices(['env=prod'], false)
    const outside = { isVisible: false }
    take(watched, { services: [shop], instances: [instance(1), instance(2, outside)] })
    const read = { services: [shop], instances: [instance(1, outside), instance(2)] }
    const news = take(watched, read)
    expect([news.marks.map(({ slot }) => slot), news.removedInstances]).toEqual([[2], ['00000001']])
  })

  it('instances of services that were not read are left for the reading that has both', () => {
    const watched = new WatchedServices(null, false)
    const stranger = instance(1, { serviceId: BLOG })
    expect(take(watched, { services: [], instances: [stranger] }, asked([stranger.id]))).toEqual(NOTHING)
    const blog = serviceRecord({ id: BLOG, name: 'blog' })
    const news = take(watched, { services: [blog], instances: [stranger] }, asked([stranger.id], [BLOG]))
    expect([news.services.length, news.marks.length]).toEqual([1, 1])
  })

  it('ten thousand instances are compared in slices that leave room for others', () => {
    const watched = new WatchedServices(null, false)
    const id = (slot: number) => slot.toString(16).padStart(8, '0')
    const instances = Array.from({ length: 10_000 }, (_none, slot) => instance(slot + 1, { id: id(slot) }))
    let slices = 0
    for (const steps = watched.take({ services: [shop], instances }); !steps.next().done; ) slices++
    expect(slices).toBeGreaterThanOrEqual(50)
    expect(watched.snapshot().marks).toHaveLength(10_000)
  })
})
