import { Progress, Text } from '@mantine/core'
import type { ImagePullView } from '@rollcall/contracts/admin'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { bytesText } from '../../ui/format-values.ts'
import { Ago } from '../../ui/moment.tsx'
import { Reason } from '../../ui/reason.tsx'
import { type Column, LoadedTable } from '../../ui/resource-table.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'

const REFRESH_MS = 1000
const IDLE_REFRESH_MS = 5000

/** Shows the pulls of the last day and how far those are that have not ended. */
export function ImagePulls() {
  const mayWrite = useMay('images:write')
  const pulls = useAnswer(
    'listImagePulls',
    {},
    {
      refetchInterval: ({ state }) =>
        state.data?.pulls.some(({ endedAt }) => endedAt === null) ? REFRESH_MS : IDLE_REFRESH_MS,
    },
  )
  return (
    <LoadedTable
      query={pulls}
      rows={(data) => data.pulls}
      toKey={({ id }) => id}
      minWidth={640}
      empty={{ title: t('images.noPulls') }}
      columns={columns()}
      actions={mayWrite && ((pull) => pull.endedAt === null && <CancelPull pull={pull} />)}
    />
  )
}

const CancelPull = ({ pull: { id, ref } }: { pull: ImagePullView }) => (
  <ConfirmButton
    label={t('images.cancelPull')}
    title={t('images.cancelPullTitle', { ref })}
    explanation={t('images.cancelPullText')}
    send={() => call('cancelImagePull', { params: { id } })}
    invalidates={['listImagePulls']}
  />
)

const columns = (): Column<ImagePullView>[] => [
  {
    head: t('fleet.state'),
    width: 140,
    cell: ({ state, reason }) => <StateBadge state={state} reason={reason} />,
  },
  {
    head: t('images.image'),
    cell: ({ ref, reason }) => (
      <>
        <Untrusted>{ref}</Untrusted>
        <Reason text={reason} size="xs" c="dimmed" />
      </>
    ),
  },
  { head: t('runs.progress'), minWidth: 160, cell: (pull) => <PullProgress pull={pull} /> },
  { head: t('commands.by'), cell: ({ requestedBy }) => <Untrusted>{requestedBy}</Untrusted> },
  { head: t('commands.when'), cell: ({ createdAt }) => <Ago at={createdAt} /> },
]

const PullProgress = ({ pull: { state, bytes, totalBytes } }: { pull: ImagePullView }) => (
  <>
    {state === 'running' && totalBytes !== null && totalBytes > 0 && (
      <Progress value={(100 * bytes) / totalBytes} aria-label={t('runs.progress')} />
    )}
    <Text size="xs" c="dimmed">
      {totalBytes === null
        ? bytesText(bytes)
        : t('images.pulled', { done: bytesText(bytes), total: bytesText(totalBytes) })}
    </Text>
  </>
)
