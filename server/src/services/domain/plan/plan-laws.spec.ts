import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PlacementHost } from '../placement/view.ts'
import type { ResolvedService, StoredService } from '../service.ts'
import { toInstanceChanges } from './instance-changes.ts'
import type { PlannedService, ServicesPlan } from './planned.ts'
import { applied, machine, plan, resolved } from './testing/plan-views.ts'

interface DesiredService {
  replicas: number
  port: number | null
  tag: number
  zone: string | null
}
interface World {
  desired: DesiredService[]
  hosts: { zone: string; isOnline: boolean; taken: number | null }[]
}

const desiredService = fc.record<DesiredService>({
  replicas: fc.integer({ min: 0, max: 5 }),
  port: fc.option(fc.constantFrom(8080, 8443)),
  tag: fc.integer({ min: 1, max: 3 }),
  zone: fc.option(fc.constantFrom('a', 'b')),
})
const world = fc.record<World>({
  desired: fc.array(desiredService, { minLength: 1, maxLength: 4 }),
  hosts: fc.array(
    fc.record({
      zone: fc.constantFrom('a', 'b'),
      isOnline: fc.boolean(),
      taken: fc.option(fc.constantFrom(8080, 22)),
    }),
    { maxLength: 6 },
  ),
})

/** Makes a service of each. They are read apart, since services of one file with one instance are one group. */
const toFile = (desired: readonly DesiredService[]): ResolvedService[] =>
  desired.flatMap(({ replicas, port, tag, zone }, at) => {
    const place = zone === null ? '' : `, x-rollcall: {place: {select: "zone=${zone}"}}`
    const ports = port === null ? '"80"' : `"${port}:80"`
    const file = `name: shop\nservices: {s${at}: {image: "web:${tag}", ports: [${ports}]${place}}}\n`
    return resolved(file).map(({ definition, ...one }) => ({
      ...one,
      definition: { ...definition, group: { ...definition.group, replicas } },
    }))
  })
const toFleet = ({ hosts }: World): PlacementHost[] =>
  hosts.map(({ zone, isOnline, taken }, at) =>
    machine(`h${at}`, {
      labels: { zone },
      state: isOnline ? 'online' : 'offline',
      ports: taken === null ? [] : [{ protocol: 'tcp', port: taken, holder: 'another program' }],
    }),
  )

/** Shows the fleet with what a plan has put there. */
const withInstances = (fleet: readonly PlacementHost[], stored: readonly StoredService[]): PlacementHost[] =>
  fleet.map((host) => ({
    ...host,
    ports: [
      ...host.ports,
      ...stored.flatMap(({ name, instances }) =>
        instances
          .filter((instance) => instance.host?.id === host.id)
          .flatMap(({ slot, ports }) =>
            ports.map(({ protocol, published }) => ({
              protocol,
              port: published,
              holder: `shop/${name}.${slot}`,
            })),
          ),
      ),
    ],
  }))

const toPlaces = ({ services }: ServicesPlan) =>
  services.flatMap(({ name, slots }) =>
    slots.flatMap(({ host, ports }) => ports.map(({ published }) => `${host?.name} ${published} ${name}`)),
  )
const numbers = ({ slots }: PlannedService) => slots.map(({ slot }) => slot)

/** Plans a file, and then another one against what the first has made. */
function planTwice(before: World, after: World) {
  const first = plan({ wanted: toFile(before.desired), fleet: toFleet(before) })
  const stored = applied(first)
  return {
    first,
    stored,
    second: plan({ wanted: toFile(after.desired), fleet: withInstances(toFleet(before), stored), stored }),
  }
}

describe('laws of plans', () => {
  it('every slot of every service is planned once, whatever was there before', () => {
    fc.assert(
      fc.property(world, world, (before, after) => {
        const { second } = planTwice(before, after)
        for (const [at, { replicas }] of after.desired.entries()) {
          const service = second.services.find(({ name }) => name === `s${at}`)
          expect(service && numbers(service)).toEqual(Array.from({ length: replicas }, (_, slot) => slot + 1))
        }
      }),
    )
  })

  it('no port of a host is given to two slots', () => {
    fc.assert(
      fc.property(world, world, (before, after) => {
        const { first, second } = planTwice(before, after)
        for (const planned of [first, second]) {
          const ports = toPlaces(planned).map((place) => place.split(' ').slice(0, 2).join(' '))
          expect(new Set(ports).size).toBe(ports.length)
        }
      }),
    )
  })

  it('what was applied is unchanged when it is planned again', () => {
    fc.assert(
      fc.property(world, (before) => {
        const { second } = planTwice(before, before)
        for (const { action, slots, leaving } of second.services)
          expect([action, slots.filter(({ move }) => move !== 'keep' && move !== 'create'), leaving]).toEqual(
            ['unchanged', [], []],
          )
      }),
    )
  })

  it('an instance is kept, stuck, replaced or leaves, and none is dropped in silence', () => {
    fc.assert(
      fc.property(world, world, (before, after) => {
        const { stored, second } = planTwice(before, after)
        for (const service of second.services) {
          if (service.action === 'left_behind') continue
          let made = 0
          const { created, reordered, kept, leaving } = toInstanceChanges(
            service,
            [],
            () => `new-${++made}`,
            () => null,
          )
          const replaced = created.flatMap(({ replaces }) => replaces)
          const stuck = service.slots.flatMap(({ move, instance }) =>
            move === 'stay' ? (instance?.id ?? []) : [],
          )
          // The number of a slot that leaves may be given to a new one, which then waits for it.
          const ids = [
            ...new Set([...stuck, ...replaced, ...reordered.map(({ id }) => id), ...kept, ...leaving]),
          ]
          const had = stored.find(({ name }) => name === service.name)?.instances.map(({ id }) => id) ?? []
          expect(ids.toSorted()).toEqual(had.toSorted())
        }
      }),
    )
  })
})
