import { Progress, Stack, Text } from '@mantine/core'
import { TRANSFER_HOST_STATE, type TransferHostView } from '@rollcall/contracts/admin'
import { useParams } from '@tanstack/react-router'
import { type Answer, call } from '../../api/client.ts'
import { live } from '../../api/live.ts'
import { useMay } from '../../api/session.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { bytesText } from '../../ui/format-values.ts'
import { HostLink } from '../../ui/host-link.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Requested } from '../../ui/requested.tsx'
import { type Column, ResourceTable } from '../../ui/resource-table.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { StateBar } from '../../ui/state-bar.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { useLiveTransfer } from './use-live-transfer.ts'

/** While progress is not pushed. */
const REFRESH_MS = 1000
/** While it is, in case something was lost. */
const LIVE_REFRESH_MS = 15_000

export const page = {
  path: '/files/$id',
  needs: 'files:read',
} satisfies PageEntry

export default function FilePage() {
  const { id } = useParams({ from: '/inside/files/$id' })
  const refreshMs = () => (live.status.is === 'live' ? LIVE_REFRESH_MS : REFRESH_MS)
  const transfer = useAnswer(
    'showTransfer',
    { params: { id } },
    { refetchInterval: ({ state }) => (state.data?.transfer.endedAt ? false : refreshMs()) },
  )
  useLiveTransfer(id, transfer.data?.transfer.endedAt === null)
  return <Loaded query={transfer}>{(data) => <Transfer {...data} />}</Loaded>
}

function Transfer({ transfer, hosts }: Answer<'showTransfer'>) {
  const mayWrite = useMay('files:write')
  const { id, destination, endedAt, counts } = transfer
  return (
    <Stack>
      <PageHeader
        name={destination}
        title={<Untrusted>{destination}</Untrusted>}
        below={<Requested of={transfer}>{t('run.onHosts', { count: hosts.length })}</Requested>}
      >
        {mayWrite && endedAt === null && (
          <ConfirmButton
            size="sm"
            label={t('files.cancel')}
            title={t('files.cancelTitle')}
            explanation={t('files.cancelText')}
            send={() => call('cancelTransfer', { params: { id } })}
            invalidates={['showTransfer']}
          />
        )}
      </PageHeader>
      <StateBar states={TRANSFER_HOST_STATE} counts={counts} />
      <ResourceTable
        rows={hosts}
        toKey={({ host }) => host}
        minWidth={480}
        columns={columns()}
        rowProps={({ host }) => ({ 'data-host': host })}
      />
    </Stack>
  )
}

const columns = (): Column<TransferHostView>[] => [
  {
    head: t('fleet.state'),
    width: 140,
    cell: ({ state, reason }) => <StateBadge state={state} reason={reason} />,
  },
  { head: t('fleet.host'), cell: ({ host, reason }) => <HostLink host={host} reason={reason} /> },
  { head: t('runs.progress'), minWidth: 160, cell: (host) => <HostProgress host={host} /> },
  {
    head: t('files.fileCount'),
    cell: ({ filesWritten, filesUnchanged }) =>
      filesWritten !== null && (
        <Text size="xs">{t('files.counts', { written: filesWritten, unchanged: filesUnchanged ?? 0 })}</Text>
      ),
  },
]

const HostProgress = ({ host: { state, bytes, totalBytes } }: { host: TransferHostView }) => (
  <>
    {state === 'running' && totalBytes > 0 && (
      <Progress value={(100 * bytes) / totalBytes} aria-label={t('runs.progress')} />
    )}
    <Text size="xs" c="dimmed">
      {t('files.bytes', { done: bytesText(bytes), total: bytesText(totalBytes) })}
    </Text>
  </>
)
