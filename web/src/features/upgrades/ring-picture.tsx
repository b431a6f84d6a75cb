import { Group, Stack, Text } from '@mantine/core'
import { UPGRADE_HOST_STATE, type UpgradeHostState } from '@rollcall/contracts/admin'
import { t } from '../../i18n/index.tsx'
import { toColor, toTone, toWord } from '../../ui/state-badge.tsx'

/** Rings are drawn from the middle outwards; more than these are drawn as one. */
const MAX_RINGS = 8
const INNER = 26
const WIDTH = 15
const GAP = 3
/** Hosts of a ring that get a piece of their own; of more, each piece stands for several. */
const MAX_PIECES = 120

interface RingHost {
  name: string
  ring: number
  state: UpgradeHostState
}

const WORST_FIRST = UPGRADE_HOST_STATE.byUrgency()

/** Draws the canary in the middle, each further ring around it, and a piece for each host in the colour of its state. */
export function RingPicture({ hosts }: { hosts: readonly RingHost[] }) {
  const rings = ringsOf(hosts)
  const size = 2 * (INNER + rings.length * (WIDTH + GAP))
  const words = rings.map((ring, at) => `${ringText(at)}: ${countsOf(ring)}`)
  return (
    <Group gap="8px 28px">
      <svg
        role="img"
        aria-label={words.join('; ')}
        viewBox={`${-size / 2} ${-size / 2} ${size} ${size}`}
        width={Math.min(size * 1.4, 320)}
        style={{ maxWidth: '100%' }}
      >
        {rings.map((ring, at) =>
          toPieces(ring).map((piece, i, all) => (
            <path
              // biome-ignore lint/suspicious/noArrayIndexKey: a piece is its place
              key={`${at} ${i}`}
              d={arc(INNER - WIDTH + at * (WIDTH + GAP), i / all.length, (i + 1) / all.length)}
              fill={toColor(worstOf(piece))}
              opacity={toTone(worstOf(piece)) === 'faint' ? 0.25 : 1}
            >
              <title>{piece.map(({ name, state }) => `${name}: ${toWord(state)}`).join('\n')}</title>
            </path>
          )),
        )}
      </svg>
      <Stack component="ol" gap={0} m={0} p={0} style={{ listStyle: 'none' }}>
        {words.map((word) => (
          <Text key={word} component="li" size="sm">
            {word}
          </Text>
        ))}
      </Stack>
    </Group>
  )
}

function ringsOf(hosts: readonly RingHost[]): RingHost[][] {
  const numbers = [...new Set(hosts.map(({ ring }) => ring))].toSorted((a, b) => a - b)
  const drawn = (ring: number) => Math.min(numbers.indexOf(ring), MAX_RINGS - 1)
  const rings: RingHost[][] = Array.from({ length: Math.min(numbers.length, MAX_RINGS) }, () => [])
  for (const host of hosts) rings[drawn(host.ring)]?.push(host)
  return rings
}

function toPieces(ring: readonly RingHost[]): RingHost[][] {
  const per = Math.ceil(ring.length / MAX_PIECES)
  return Array.from({ length: Math.ceil(ring.length / per) }, (_, i) => ring.slice(i * per, (i + 1) * per))
}

/** Returns the state that a piece is coloured by: the worst among its hosts. */
const worstOf = (piece: readonly RingHost[]): UpgradeHostState =>
  WORST_FIRST.find((state) => piece.some((host) => host.state === state)) ?? 'waiting'

export const ringText = (ring: number) => (ring === 0 ? t('upgrades.first') : t('upgrades.ring', { ring }))

const countsOf = (ring: readonly RingHost[]) =>
  WORST_FIRST.flatMap((state) => {
    const count = ring.filter((host) => host.state === state).length
    return count > 0 ? [`${count} ${toWord(state)}`] : []
  }).join(', ')

/** Returns the path of a piece of a ring, from one share of the circle to another, clockwise from the top, with a small gap. */
function arc(inner: number, from: number, to: number): string {
  const outer = inner + WIDTH
  // An arc cannot end where it begins: a whole ring is two halves, and its hole two the other way round.
  if (to - from === 1) return `${circle(outer, 1)}${circle(inner, 0)}`
  const gap = Math.min(0.004, (to - from) / 6)
  const at = (share: number, radius: number) => {
    const angle = 2 * Math.PI * share - Math.PI / 2
    return `${(radius * Math.cos(angle)).toFixed(2)} ${(radius * Math.sin(angle)).toFixed(2)}`
  }
  const isLarge = to - from > 0.5 ? 1 : 0
  const [first, last] = [from + gap, to - gap]
  return `M${at(first, outer)}A${outer} ${outer} 0 ${isLarge} 1 ${at(last, outer)}L${at(last, inner)}A${inner} ${inner} 0 ${isLarge} 0 ${at(first, inner)}Z`
}

const circle = (radius: number, sweep: 0 | 1) =>
  `M0 ${-radius}A${radius} ${radius} 0 1 ${sweep} 0 ${radius}A${radius} ${radius} 0 1 ${sweep} 0 ${-radius}Z`
