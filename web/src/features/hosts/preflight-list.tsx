import { Paper, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { call } from '../../api/client.ts'
import { toBytes } from '../../api/use-output.ts'
import { t } from '../../i18n/index.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { type PreflightLine, preflightLines } from './preflight-lines.ts'

/** The checks come first in an installation's output, and all of them fit in here. */
const READ_BYTES = 32 * 1024
const REFRESH_MS = 1500

/** Shows the preflight checks of an installation, as a list that fills while they run. */
export function PreflightList({ commandId, isOver }: { commandId: string; isOver: boolean }) {
  const { data: checks = [] } = useQuery({
    queryKey: ['preflight', commandId, isOver],
    queryFn: async ({ signal }) => {
      const query = { offset: 0, maxBytes: READ_BYTES }
      const { chunks } = await call('readOutput', { params: { id: commandId }, query }, signal)
      const decoder = new TextDecoder()
      return preflightLines(
        chunks.map(({ data }) => decoder.decode(toBytes(data), { stream: true })).join(''),
      )
    },
    refetchInterval: isOver ? false : REFRESH_MS,
    staleTime: isOver ? Number.POSITIVE_INFINITY : 0,
    placeholderData: (before) => before,
  })
  return <Preflight checks={checks} />
}

/** Shows preflight checks, with what to do about those that failed. */
export function Preflight({ checks }: { checks: PreflightLine[] }) {
  if (checks.length === 0) return null
  return (
    <Paper withBorder p="sm">
      <Title order={2} mb="xs">
        {t('preflight.title')}
      </Title>
      <ul className="checks">
        {checks.map(({ name, isOk, message }) => (
          <li key={name} data-ok={isOk}>
            <span role="img" aria-label={isOk ? t('preflight.ok') : t('preflight.failed')}>
              {isOk ? '✓' : '✕'}
            </span>
            <b>
              <Untrusted>{name}</Untrusted>
            </b>
            <span>
              <Untrusted>{message}</Untrusted>
            </span>
          </li>
        ))}
      </ul>
    </Paper>
  )
}
