import { Paper, Title } from '@mantine/core'
import { Untrusted } from '../../ui/untrusted.tsx'

export type Fact = [string, React.ReactNode]

export function Facts({ title, facts }: { title: string; facts: Fact[] }) {
  return (
    <Paper withBorder p="md">
      <Title order={2} mb="sm">
        <Untrusted>{title}</Untrusted>
      </Title>
      <dl className="facts">
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
