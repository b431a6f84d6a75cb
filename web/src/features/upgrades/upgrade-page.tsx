import { Alert, Button, Stack, Text } from '@mantine/core'
import {
  UPGRADE_HOST_STATE,
  UPGRADE_STATE,
  type UpgradeDetail,
  type UpgradeHostView,
} from '@rollcall/contracts/admin'
import { Link, useParams } from '@tanstack/react-router'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { HostLink } from '../../ui/host-link.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Ago } from '../../ui/moment.tsx'
import { Failure } from '../../ui/resource-form.tsx'
import { type Column, ResourceTable } from '../../ui/resource-table.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { StateBar } from '../../ui/state-bar.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { useRequest } from '../../ui/use-request.ts'
import { RingPicture, ringText } from './ring-picture.tsx'

const REFRESH_MS = 1000

export const page = {
  path: '/upgrades/$id',
  needs: 'upgrades:read',
} satisfies PageEntry

export default function UpgradePage() {
  const { id } = useParams({ from: '/inside/upgrades/$id' })
  const upgrade = useAnswer(
    'showUpgrade',
    { params: { id } },
    { refetchInterval: ({ state }) => (state.data?.upgrade.endedAt ? false : REFRESH_MS) },
  )
  return <Loaded query={upgrade}>{(detail) => <Upgrade detail={detail} />}</Loaded>
}

function Upgrade({ detail: { upgrade, hosts } }: { detail: UpgradeDetail }) {
  return (
    <Stack>
      <PageHeader
        title={t('upgrades.to', { version: upgrade.version })}
        below={
          <Text size="sm" c="dimmed">
            <StateBadge state={upgrade.state} /> · <Untrusted>{upgrade.requestedBy}</Untrusted> ·{' '}
            <Ago at={upgrade.createdAt} /> · {t('run.onHosts', { count: upgrade.total })}
          </Text>
        }
      >
        <Actions upgrade={upgrade} />
      </PageHeader>
      {upgrade.reason && (
        <Alert color="orange" role="alert">
          <Untrusted>{upgrade.reason}</Untrusted>
        </Alert>
      )}
      <StateBar states={UPGRADE_HOST_STATE} counts={upgrade.counts} />
      <RingPicture hosts={hosts.map(({ host, ring, state }) => ({ name: host.name, ring, state }))} />
      <HostTable hosts={hosts} />
    </Stack>
  )
}

function Actions({ upgrade: { id, state } }: { upgrade: UpgradeDetail['upgrade'] }) {
  const mayWrite = useMay('upgrades:write')
  const change = useRequest((route: 'pauseUpgrade' | 'resumeUpgrade') => call(route, { params: { id } }), {
    invalidates: ['showUpgrade'],
  })
  if (!mayWrite || UPGRADE_STATE.describe(state).isOver) return null
  return (
    <>
      <Failure error={change.error} />
      {state === 'running' ? (
        <Button variant="default" loading={change.isPending} onClick={() => change.mutate('pauseUpgrade')}>
          {t('upgrades.pause')}
        </Button>
      ) : (
        <Button loading={change.isPending} onClick={() => change.mutate('resumeUpgrade')}>
          {t('upgrades.resume')}
        </Button>
      )}
      <ConfirmButton
        size="sm"
        label={t('upgrades.cancel')}
        title={t('upgrades.cancelTitle')}
        explanation={t('upgrades.cancelText')}
        send={() => call('cancelUpgrade', { params: { id } })}
        invalidates={['showUpgrade']}
      />
    </>
  )
}

/** Drawn at a time; an upgrade may have ten thousand hosts, and those that went wrong come first. */
const MAX_ROWS = 500
const urgencyOf = ({ state }: UpgradeHostView) => UPGRADE_HOST_STATE.describe(state).urgency

function HostTable({ hosts }: { hosts: readonly UpgradeHostView[] }) {
  const sorted = hosts
    .toSorted(
      (a, b) => urgencyOf(a) - urgencyOf(b) || a.ring - b.ring || a.host.name.localeCompare(b.host.name),
    )
    .slice(0, MAX_ROWS)
  return (
    <ResourceTable
      rows={sorted}
      toKey={({ host }) => host.id}
      minWidth={560}
      columns={columns()}
      rowProps={({ host }) => ({ 'data-host': host.name })}
      actions={({ commandId }) =>
        commandId && (
          <Link to="/commands/$id" params={{ id: commandId }}>
            {t('run.open')}
          </Link>
        )
      }
    />
  )
}

const columns = (): Column<UpgradeHostView>[] => [
  {
    head: t('upgrades.state'),
    width: 150,
    cell: ({ state, reason }) => <StateBadge state={state} reason={reason} />,
  },
  { head: t('fleet.host'), cell: ({ host, reason }) => <HostLink host={host.name} reason={reason} /> },
  { head: t('upgrades.ringHead'), cell: ({ ring }) => ringText(ring) },
  { head: t('upgrades.ended'), cell: ({ endedAt }) => (endedAt ? <Ago at={endedAt} /> : '–') },
]
