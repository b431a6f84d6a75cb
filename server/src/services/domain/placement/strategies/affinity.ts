import type { Strategy } from './strategy.ts'

/** Fifteenths of the range: what is there need not be sent, and what has run there is known to run there. */
const PARTS = { image: 6, volume: 6, ranHere: 3 }
const ALL = PARTS.image + PARTS.volume + PARTS.ranHere

/** Prefers hosts that have all images, the data of all volumes that move, or that ran the service before. */
export const affinity: Strategy = ({ volumes, ranOn }, { fleet, plan }, range) => {
  const toPoints = (part: number) => Math.floor((range * part) / ALL)
  const moving = volumes.filter(({ move, hosts }) => move === 'copy' && hosts.length > 0)
  const points = new Int16Array(fleet.size)
  /** Adds a part to the hosts that are in all of `sets`. */
  const add = (part: number, sets: readonly (readonly number[])[]) => {
    const [first = [], ...others] = sets
    const marks = others.map((each) => fleet.mark(each))
    for (const at of first)
      if (marks.every((each) => each[at] === 1)) points[at] = (points[at] as number) + toPoints(part)
  }
  // Of the view alone: an image that comes with this run must not raise the score of its host.
  const imageHosts = plan.images.map(({ hosts }) => hosts)
  add(PARTS.image, imageHosts)
  const dataHosts = moving.map(({ hosts }) => fleet.findAll(hosts))
  add(PARTS.volume, dataHosts)
  add(PARTS.ranHere, [fleet.findAll(ranOn)])
  return { points: (at) => points[at] as number }
}
