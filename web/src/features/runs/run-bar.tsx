import { Group, Text } from '@mantine/core'
import type { RunCounts } from '@rollcall/contracts/admin'
import { colorOf, wordOf } from '../../ui/state-badge.tsx'

const ORDER = ['success', 'failed', 'timed_out', 'lost', 'cancelled', 'running', 'pending', 'held'] as const

/** How far a run has come, drawn: a part for each state, as wide as it has hosts. */
export function RunBar({ counts, total }: { counts: RunCounts; total: number }) {
  const present = ORDER.filter((state) => counts[state] > 0)
  const text = present.map((state) => `${counts[state]} ${wordOf(state)}`).join(', ')
  return (
    <div>
      <div className="bar" role="img" aria-label={text}>
        {present.map((state) => (
          <span
            key={state}
            style={{
              width: `${(100 * counts[state]) / total}%`,
              background: colorOf(state),
              opacity: state === 'held' || state === 'pending' ? 0.4 : 1,
            }}
          />
        ))}
      </div>
      <Group gap="sm" mt={2}>
        <Text size="xs" c="dimmed">
          {text}
        </Text>
      </Group>
    </div>
  )
}
