import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../platform/testing/manual-clock.ts'
import { TestDatabase } from '../platform/testing/test-database.ts'
import { addTestHost } from '../platform/testing/test-hosts.ts'
import { HostImages } from './host-images.ts'
import type { HostPrograms } from './host-programs.ts'
import { ImageDelivery } from './image-delivery.ts'
import { ImageUses } from './image-uses.ts'
import { ImagesRepository } from './images.repository.ts'

const HOUR_MS = 3600_000
const clock = new ManualClock('2026-03-02T10:00:00Z')
const digestOf = (number: number) => `sha256:${number.toString(16).padStart(64, '0')}`
const signal = new AbortController().signal

let test: TestDatabase
let images: ImagesRepository
let hostId: string
let needed: string[]
let steps: string[][]
/** Answers as the host does. */
let answer: (digests: string[]) => object

beforeAll(async () => {
  test = await TestDatabase.open()
  images = new ImagesRepository(test.database, new ImageUses())
  const name = `host-${randomUUID()}`
  await addTestHost(test.database, { name, labels: {}, at: clock.now() })
  hostId = (await test.database.prisma.host.findUniqueOrThrow({ where: { name } })).id
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.empty('image_host')
  needed = []
  steps = []
  answer = (removed) => ({ removed, kept: [] })
})

async function deliver(hoursAgo: number, ...numbers: number[]) {
  const at = new Date(clock.now().getTime() - hoursAgo * HOUR_MS)
  for (const number of numbers) await images.recordDelivery(digestOf(number), hostId, at)
}
function prune(olderThanHours = 24) {
  const uses = new ImageUses()
  uses.registerOnHosts(async () => needed)
  const programs = {
    run: async (_hostId: string, { args: [step, ...digests] }: { args: string[] }) => {
      steps.push([step ?? '', ...digests])
      return `${JSON.stringify(answer(digests))}\n`
    },
  } as unknown as HostPrograms
  const unused = {} as never
  const delivery = new ImageDelivery(images, unused, unused, unused, unused, unused, clock, 'us')
  return new HostImages(images, uses, delivery, programs, clock).prune(hostId, olderThanHours, signal)
}
const left = async () => (await images.onHosts()).map(({ digest }) => digest).sort()

describe('images that a host does not need', () => {
  it('what came there long enough ago and nothing needs is removed, and forgotten', async () => {
    await deliver(30, 1, 2)
    await deliver(1, 3)
    needed = [digestOf(2)]
    expect(await prune()).toEqual({ removed: [{ digest: digestOf(1), name: null }], kept: [] })
    expect(steps).toEqual([['remove-images', digestOf(1)]])
    expect(await left()).toEqual([digestOf(2), digestOf(3)])
    expect((await prune(0)).removed).toEqual([{ digest: digestOf(3), name: null }])
    expect((await prune(0)).removed).toEqual([])
  })

  it('what the host keeps stays known with the reason, and the host may answer only for what it was asked', async () => {
    await deliver(30, 1, 2)
    await deliver(1, 3)
    const why = `used by a container\u0007${'x'.repeat(1000)}`
    answer = () => ({
      removed: [digestOf(1), digestOf(3)],
      kept: [
        { digest: digestOf(2), why },
        { digest: digestOf(9), why },
      ],
    })
    const { removed, kept } = await prune()
    expect(removed).toEqual([{ digest: digestOf(1), name: null }])
    expect(kept).toMatchObject([{ digest: digestOf(2), why: expect.stringMatching(/^used by a container/) }])
    expect(kept[0]?.why.length).toBeLessThanOrEqual(300)
    expect(await left()).toEqual([digestOf(2), digestOf(3)])
  })

  it('a host loses at most five hundred images at once, a hundred with each step, the oldest first', async () => {
    await deliver(48, ...Array.from({ length: 2 }, (_, index) => 1000 + index))
    await deliver(30, ...Array.from({ length: 500 }, (_, index) => index))
    expect((await prune()).removed).toHaveLength(500)
    expect(steps.map((words) => words.length - 1)).toEqual([100, 100, 100, 100, 100])
    expect(steps[0]?.slice(1, 3)).toEqual([digestOf(1000), digestOf(1001)])
    expect(await left()).toHaveLength(2)
  })

  it('a host that fails or says nothing known is believed nothing', async () => {
    await deliver(30, 1)
    answer = () => ({ error: { code: 'instance.step_failed', message: 'podman images failed' } })
    await expect(prune()).rejects.toMatchObject({
      code: 'instance.step_failed',
      message: 'podman images failed',
    })
    answer = () => ({ removed: 'all' })
    await expect(prune()).rejects.toMatchObject({ code: 'instance.step_failed' })
    expect(await left()).toEqual([digestOf(1)])
  })
})
