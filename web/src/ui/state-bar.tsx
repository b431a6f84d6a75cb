import { Progress, Text } from '@mantine/core'
import type { StateDescriptor } from '@rollcall/contracts/admin'
import type { ShownState } from './shown-states.ts'
import { toColor, toTone, toWord } from './state-badge.tsx'

interface Props<S extends ShownState> {
  states: { names: readonly S[]; describe(state: S): StateDescriptor }
  counts: Partial<Record<S, number>>
  /** Shows a state under another's name and colour. */
  shownAs?(state: S): ShownState
}

/** Draws progress: a part for each state, as wide as it has hosts, and the same in words. What is over comes first. */
export function StateBar<S extends ShownState>({ states, counts, shownAs = (state) => state }: Props<S>) {
  const isOver = (state: S) => states.describe(state).isOver === true
  const order = [
    ...states.names.filter(isOver),
    ...states.names.filter((state) => !isOver(state)).toReversed(),
  ]
  const present = order.flatMap((state) => {
    const count = counts[state] ?? 0
    return count > 0 ? [{ state: shownAs(state), count }] : []
  })
  const total = present.reduce((sum, { count }) => sum + count, 0)
  const text = present.map(({ state, count }) => `${count} ${toWord(state)}`).join(', ')
  return (
    <div>
      <Progress.Root size={10} transitionDuration={200} role="img" aria-label={text}>
        {present.map(({ state, count }) => (
          <Progress.Section
            key={state}
            withAria={false}
            value={(100 * count) / total}
            color={toColor(state)}
            opacity={toTone(state) === 'faint' ? 0.4 : 1}
          />
        ))}
      </Progress.Root>
      <Text size="xs" c="dimmed" mt={2}>
        {text}
      </Text>
    </div>
  )
}
