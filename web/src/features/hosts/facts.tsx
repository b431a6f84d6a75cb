import { Paper, Title } from '@mantine/core'
import { Untrusted } from '../../ui/untrusted.tsx'

export type Fact = [string, React.ReactNode]

/** `isStale` is for what was so when it was last told, and may be otherwise now. */
export function Facts({
  title,
  facts,
  isStale = false,
}: {
  title: string
  facts: Fact[]
  isStale?: boolean
}) {
  return (
    <Paper withBorder p="md">
      <Title order={2} mb="sm">
        <Untrusted>{title}</Untrusted>
      </Title>
      <dl className={`facts ${isStale ? 'stale' : ''}`}>
        {facts.map(([name, value]) => (
          <div key={name} style={{ display: 'contents' }}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Paper>
  )
}
