import { Text } from '@mantine/core'
import { type ShownState, toColor, toWord } from './state-badge.tsx'

/** How far something has come, drawn: a part for each state, as wide as it has hosts, and the same in words. */
export function StateBar<S extends ShownState>(props: {
  /** From left to right. */
  order: readonly S[]
  counts: Partial<Record<S, number>>
  /** What has not begun. */
  faint: readonly S[]
}) {
  const { order, counts, faint } = props
  const present = order.flatMap((state) => {
    const count = counts[state] ?? 0
    return count > 0 ? [{ state, count }] : []
  })
  const total = present.reduce((sum, { count }) => sum + count, 0)
  const text = present.map(({ state, count }) => `${count} ${toWord(state)}`).join(', ')
  return (
    <div>
      <div className="bar" role="img" aria-label={text}>
        {present.map(({ state, count }) => (
          <span
            key={state}
            style={{
              width: `${(100 * count) / total}%`,
              background: toColor(state),
              opacity: faint.includes(state) ? 0.4 : 1,
            }}
          />
        ))}
      </div>
      <Text size="xs" c="dimmed" mt={2}>
        {text}
      </Text>
    </div>
  )
}
