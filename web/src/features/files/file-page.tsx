import { Progress, Stack, Table, Text } from '@mantine/core'
import type { TransferHostView } from '@rollcall/contracts/admin'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { call } from '../../api/client.ts'
import { live } from '../../api/live.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { Ago } from '../../ui/moment.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { blocks, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'
import { Heads, TableScroll } from '../../ui/table-scroll.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { bytesText } from '../../ui/words.ts'
import { TransferBar } from './transfer-bar.tsx'
import { useLiveTransfer } from './use-live-transfer.ts'

/** Where the server cannot tell by itself how far it is. */
const REFRESH_MS = 1000
/** Should something that it told have been lost. */
const LIVE_REFRESH_MS = 15_000

export function FilePage() {
  const { id } = useParams({ from: '/inside/files/$id' })
  const mayWrite = useMay('files:write')
  const client = useQueryClient()
  const { data, error } = useQuery({
    queryKey: ['transfer', id],
    queryFn: ({ signal }) => call('showTransfer', { params: { id } }, signal),
    refetchInterval: ({ state }) =>
      state.data?.transfer.endedAt ? false : live.status.is === 'live' ? LIVE_REFRESH_MS : REFRESH_MS,
  })
  useLiveTransfer(id, data?.transfer.endedAt === null)
  if (blocks({ error, data })) return <ErrorState error={error} />
  if (!data) return <Waiting />
  const { transfer, hosts } = data
  return (
    <Stack>
      <PageHeader
        name={transfer.destination}
        title={<Untrusted>{transfer.destination}</Untrusted>}
        below={
          <Text size="sm" c="dimmed">
            <Untrusted>{transfer.requestedBy}</Untrusted> · <Ago at={transfer.createdAt} /> ·{' '}
            {t('run.onHosts', { count: hosts.length })}
          </Text>
        }
      >
        {mayWrite && transfer.endedAt === null && (
          <ConfirmButton
            size="sm"
            label={t('files.cancel')}
            title={t('files.cancelTitle')}
            explanation={t('files.cancelText')}
            confirm={t('files.cancel')}
            onConfirm={async () => {
              await call('cancelTransfer', { params: { id } })
              await client.invalidateQueries({ queryKey: ['transfer', id] })
            }}
          />
        )}
      </PageHeader>
      <TransferBar counts={transfer.counts} />
      <TableScroll minWidth={480}>
        <Table>
          <Heads heads={[t('fleet.state'), t('fleet.host'), t('runs.progress'), t('files.fileCount')]} />
          <Table.Tbody>
            {hosts.map((host) => (
              <Row key={host.host} host={host} />
            ))}
          </Table.Tbody>
        </Table>
      </TableScroll>
    </Stack>
  )
}

function Row({
  host: { host, state, bytes, totalBytes, filesWritten, filesUnchanged, reason },
}: {
  host: TransferHostView
}) {
  return (
    <Table.Tr data-host={host}>
      <Table.Td w={140}>
        <StateBadge state={state} reason={reason} />
      </Table.Td>
      <Table.Td>
        <Link to="/hosts/$host" params={{ host }} className="row-link">
          <Untrusted>{host}</Untrusted>
        </Link>
        {reason && (
          <Text size="xs" c="dimmed">
            <Untrusted>{reason}</Untrusted>
          </Text>
        )}
      </Table.Td>
      <Table.Td miw={160}>
        {state === 'running' && totalBytes > 0 && (
          <Progress value={(100 * bytes) / totalBytes} aria-label={t('runs.progress')} />
        )}
        <Text size="xs" c="dimmed">
          {t('files.bytes', { done: bytesText(bytes), total: bytesText(totalBytes) })}
        </Text>
      </Table.Td>
      <Table.Td>
        {filesWritten !== null && (
          <Text size="xs">
            {t('files.counts', { written: filesWritten, unchanged: filesUnchanged ?? 0 })}
          </Text>
        )}
      </Table.Td>
    </Table.Tr>
  )
}
