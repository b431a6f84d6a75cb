// A process of its own for `services`, so that its memory and its event loop are those of placement alone.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { MAX_EXPLANATION_BYTES } from '../../server/src/services/domain/placement/explanation.ts'
import { type Placement, place } from '../../server/src/services/domain/placement/place.ts'
import { runToEnd } from '../../server/src/services/domain/placement/run-to-end.ts'
import type { PlacementHost, PlacementRequest } from '../../server/src/services/domain/placement/view.ts'
import { runInSlices } from '../../server/src/services/in-slices.ts'
import { makeFleet, makeRequests, NOW } from './placement-fleet.ts'

const HOSTS = 10_000
const SERVICES = 1000
const SLOTS_EACH = 10
const WARM_UPS = 5

/** The measurements of one run, in milliseconds but for the memory. */
export interface PlacementRun {
  allMs: number[]
  oneMs: number[]
  /** The longest time for which the event loop was held in each round. */
  loopMs: number[]
  rssMb: number
}

const toRssMb = (kib: number) => (kib * 1024) / 1e6

function check(placements: readonly Placement[]): void {
  if (placements.length !== SERVICES * SLOTS_EACH) throw new Error(`${placements.length} slots were answered`)
  const placed = placements.filter(({ host }) => host !== null)
  if (placed.length < placements.length * 0.9) throw new Error(`only ${placed.length} slots were placed`)
  const ports = placed.flatMap(({ host, ports: own }) =>
    own.map(({ protocol, port }) => `${host} ${protocol} ${port}`),
  )
  if (new Set(ports).size !== ports.length) throw new Error('a port was given twice')
  const isTooLong = ({ explanation }: Placement) =>
    Buffer.byteLength(JSON.stringify(explanation)) > MAX_EXPLANATION_BYTES
  if (placements.some(isTooLong))
    throw new Error(`an explanation is longer than ${MAX_EXPLANATION_BYTES} bytes`)
}

/** Returns the fleet as the server reads it for some requests: hosts list the images that these ask for. */
function toViewFor(requests: readonly PlacementRequest[], fleet: readonly PlacementHost[]): PlacementHost[] {
  const asked = new Set(requests.flatMap(({ images }) => images.map(({ digest }) => digest)))
  return fleet.map((host) =>
    Object.assign({}, host, { images: host.images.filter((digest) => asked.has(digest)) }),
  )
}

async function measure(rounds: number): Promise<PlacementRun> {
  const before = process.memoryUsage().rss
  const fleet = makeFleet(HOSTS)
  const requests = makeRequests(SERVICES, SLOTS_EACH)
  const run: PlacementRun = { allMs: [], oneMs: [], loopMs: [], rssMb: 0 }
  for (let round = 0; round < rounds; round++) {
    const delays = monitorEventLoopDelay({ resolution: 1 })
    delays.enable()
    const started = performance.now()
    const placements = await runInSlices(place(requests, fleet, NOW))
    run.allMs.push(performance.now() - started)
    delays.disable()
    run.loopMs.push(delays.max / 1e6)
    // Of the first: what later rounds add is garbage of the rounds before.
    run.rssMb ||= toRssMb(process.resourceUsage().maxRSS) - before / 1e6
    check(placements)
  }
  const one = makeRequests(1, 1)
  const view = toViewFor(one, fleet)
  for (let round = -WARM_UPS; round < rounds * 5; round++) {
    const started = performance.now()
    runToEnd(place(one, view, NOW))
    if (round >= 0) run.oneMs.push(performance.now() - started)
  }
  return run
}

process.send?.(await measure(Number(process.argv[2])))
process.disconnect()
