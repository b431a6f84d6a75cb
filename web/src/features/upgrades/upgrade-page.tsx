import { Alert, Button, Stack, Table, Text } from '@mantine/core'
import type { UpgradeDetail, UpgradeHostView } from '@rollcall/contracts/admin'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { Ago } from '../../ui/moment.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { blocks, ErrorState, PageHeader, toMessage, Waiting } from '../../ui/states.tsx'
import { Heads, TableScroll } from '../../ui/table-scroll.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { RingPicture } from './ring-picture.tsx'
import { HOST_ORDER, UpgradeBar } from './upgrade-bar.tsx'

const REFRESH_MS = 1000

export function UpgradePage() {
  const { id } = useParams({ from: '/inside/upgrades/$id' })
  const { data, error } = useQuery({
    queryKey: ['upgrade', id],
    queryFn: ({ signal }) => call('showUpgrade', { params: { id } }, signal),
    refetchInterval: ({ state }) => (state.data?.upgrade.endedAt ? false : REFRESH_MS),
  })
  if (blocks({ error, data })) return <ErrorState error={error} />
  return data ? <Shown detail={data} /> : <Waiting />
}

function Shown({ detail: { upgrade, hosts } }: { detail: UpgradeDetail }) {
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
        <Actions id={upgrade.id} state={upgrade.state} />
      </PageHeader>
      {upgrade.reason && (
        <Alert color="orange" role="alert">
          <Untrusted>{upgrade.reason}</Untrusted>
        </Alert>
      )}
      <UpgradeBar counts={upgrade.counts} />
      <RingPicture hosts={hosts.map(({ host, ring, state }) => ({ name: host.name, ring, state }))} />
      <HostTable hosts={hosts} />
    </Stack>
  )
}

function Actions({ id, state }: { id: string; state: UpgradeDetail['upgrade']['state'] }) {
  const mayWrite = useMay('upgrades:write')
  const client = useQueryClient()
  const [failure, setFailure] = useState<string>()
  if (!mayWrite || (state !== 'running' && state !== 'paused')) return null
  const again = () => client.invalidateQueries({ queryKey: ['upgrade', id] })
  const change = async (route: 'pauseUpgrade' | 'resumeUpgrade') => {
    setFailure(undefined)
    try {
      await call(route, { params: { id } })
    } catch (error) {
      setFailure(toMessage(error))
    }
    await again()
  }
  return (
    <>
      {failure && (
        <Text c="red" size="sm" role="alert">
          {failure}
        </Text>
      )}
      {state === 'running' ? (
        <Button variant="default" onClick={() => change('pauseUpgrade')}>
          {t('upgrades.pause')}
        </Button>
      ) : (
        <Button onClick={() => change('resumeUpgrade')}>{t('upgrades.resume')}</Button>
      )}
      <ConfirmButton
        size="sm"
        label={t('upgrades.cancel')}
        title={t('upgrades.cancelTitle')}
        explanation={t('upgrades.cancelText')}
        confirm={t('upgrades.cancel')}
        onConfirm={async () => {
          await call('cancelUpgrade', { params: { id } })
          await again()
        }}
      />
    </>
  )
}

/** Drawn at a time; an upgrade may have ten thousand hosts, and those that went wrong come first. */
const MAX_ROWS = 500

function HostTable({ hosts }: { hosts: readonly UpgradeHostView[] }) {
  const weight = ({ state }: UpgradeHostView) => HOST_ORDER.indexOf(state)
  const sorted = hosts
    .toSorted((a, b) => weight(a) - weight(b) || a.ring - b.ring || a.host.name.localeCompare(b.host.name))
    .slice(0, MAX_ROWS)
  return (
    <TableScroll minWidth={560}>
      <Table>
        <Heads
          heads={[t('upgrades.state'), t('fleet.host'), t('upgrades.ringHead'), t('upgrades.ended'), '']}
        />
        <Table.Tbody>
          {sorted.map(({ host, ring, state, reason, commandId, endedAt }) => (
            <Table.Tr key={host.id} data-host={host.name}>
              <Table.Td w={150}>
                <StateBadge state={state} reason={reason} />
              </Table.Td>
              <Table.Td>
                <Link to="/hosts/$host" params={{ host: host.name }} className="row-link">
                  <Untrusted>{host.name}</Untrusted>
                </Link>
                {reason && (
                  <Text size="xs" c="dimmed">
                    <Untrusted>{reason}</Untrusted>
                  </Text>
                )}
              </Table.Td>
              <Table.Td>{ringName(ring)}</Table.Td>
              <Table.Td>{endedAt ? <Ago at={endedAt} /> : '–'}</Table.Td>
              <Table.Td w={90}>
                {commandId && (
                  <Link to="/commands/$id" params={{ id: commandId }}>
                    {t('run.open')}
                  </Link>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </TableScroll>
  )
}

const ringName = (ring: number) => (ring === 0 ? t('upgrades.first') : t('upgrades.ring', { ring }))
