import { list } from '../read/collections.ts'
import { mapping, otherwise, taken } from '../read/keys.ts'
import type { Reader } from '../read/reader.ts'
import { choice, text, wholeNumber } from '../read/scalars.ts'
import { type At, byKind, converted, placed, type Shape } from '../read/shape.ts'
import { ADDRESS } from './patterns.ts'

const MAX_PORT = 65_535
const MAX_RANGE = 200
export const port = wholeNumber(1, MAX_PORT)
const PROTOCOLS = ['tcp', 'udp'] as const

export interface Port {
  /** The port in the container. */
  target: number
  /** The port of the host; null if Rollcall chooses one. */
  published: number | null
  protocol: 'tcp' | 'udp'
  /** The address of the host to listen on; null for all. */
  hostIp: string | null
}

const SHORT_FORM = 'a port such as "8443:8443", "80" or "127.0.0.1:5353:53/udp"'
const SHORT = /^(?:(?:\[([^\]]+)\]|([^:[\]]*)):(?=.*:))?(?:(\d+(?:-\d+)?)?:)?(\d+(?:-\d+)?)(?:\/([a-z]+))?$/i

const short: Shape<Port[]> = converted(text({ form: SHORT_FORM, max: 200 }), (value, node, reader) => {
  const [, ip6, ip4, published, target = '', written = 'tcp'] = SHORT.exec(value) ?? []
  if (target === '') return reader.fault(node.place, 'is not a port', `write ${SHORT_FORM}`)
  const protocol = PROTOCOLS.find((one) => one === written.toLowerCase())
  if (!protocol) return reader.fault(node.place, 'has a protocol that is not known', 'write tcp or udp')
  const hostIp = ip6 ?? (ip4 || null)
  if (hostIp !== null && !ADDRESS.test(hostIp))
    return reader.fault(
      node.place,
      'has an address that is none',
      'write an IPv4 address, or an IPv6 address in [ ]',
    )
  const targets = toRange(target)
  const outer = published === undefined ? undefined : toRange(published)
  return pair(targets, outer, { protocol, hostIp }, { place: node.place, reader })
})

const long = converted(
  mapping(
    {
      target: taken(port, 'the port in the container'),
      published: taken(text({ form: 'a port of the host', pattern: /^\d+(-\d+)?$/ }), 'the port of the host'),
      host_ip: taken(text({ form: 'an IP address', max: 45 }), 'the address of the host'),
      protocol: taken(choice(PROTOCOLS)),
      name: otherwise(text(), 'names the port for people only'),
      app_protocol: otherwise(text(), 'is not used'),
      mode: otherwise(choice(['ingress', 'host']), 'a port is always of the host that its instance is on'),
    },
    { of: 'a port', required: ['target'] },
  ),
  ({ target, published, host_ip: hostIp = null, protocol = 'tcp' }, { place }, reader) => {
    if (target === undefined) return undefined
    if (hostIp !== null && !ADDRESS.test(hostIp))
      return reader.fault(place, 'has an address that is none', 'write an IPv4 or IPv6 address')
    const outer = published === undefined ? undefined : toRange(published)
    return pair([target], outer, { protocol, hostIp }, { place, reader })
  },
)

/** Ports of a service in both of Compose's forms, ranges written out. */
export const ports: Shape<At<Port>[]> = converted(
  list(placed(byKind({ scalar: short, map: long })), 'a list of ports'),
  (groups) => groups.flatMap(({ place, value }) => value.map((one) => ({ place, value: one }))),
)

/** Returns the ports of a range; none if it is not one. */
function toRange(written: string): number[] {
  const [first = 0, last = first] = written.split('-').map(Number)
  if (first < 1 || last > MAX_PORT || last < first || last - first >= MAX_RANGE) return []
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

function pair(
  targets: readonly number[],
  published: readonly number[] | undefined,
  rest: Pick<Port, 'protocol' | 'hostIp'>,
  { place, reader }: { place: At<unknown>['place']; reader: Reader },
): Port[] | undefined {
  if (targets.length === 0 || published?.length === 0)
    return reader.fault(
      place,
      'has a port that is none',
      `write ports from 1 to ${MAX_PORT}, in a range of at most ${MAX_RANGE}`,
    )
  if (published && published.length !== targets.length)
    return reader.fault(
      place,
      'has two ranges of different lengths',
      'write as many ports of the host as of the container; leave those of the host out and Rollcall chooses',
    )
  return targets.map((target, index) => ({ target, published: published?.[index] ?? null, ...rest }))
}
