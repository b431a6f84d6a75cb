import { Anchor, Button, Group, Paper, Stack, Tabs, Text } from '@mantine/core'
import type { HostStatus } from '@rollcall/contracts/admin'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useEffect } from 'react'
import { type Answer, call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { useLiveFleet } from '../../api/use-fleet.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { Ago } from '../../ui/moment.tsx'
import { StateBadge, toColor } from '../../ui/state-badge.tsx'
import { blocks, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { CommandTable } from '../commands/command-table.tsx'
import { Labels } from '../fleet/fleet-row.tsx'
import { HostActions } from './host-actions.tsx'
import { Containers, Overview } from './host-overview.tsx'
import { Timeline } from './host-timeline.tsx'
import { Trust } from './host-trust.tsx'

export const page = {
  path: '/hosts/$host',
  needs: 'hosts:read',
} satisfies PageEntry

export default function HostPage() {
  const { host: name } = useParams({ from: '/inside/hosts/$host' })
  const host = useQuery({
    queryKey: ['host', name],
    queryFn: ({ signal }) => call('showHost', { params: { host: name } }, signal),
    refetchInterval: 30_000,
  })
  const status = useQuery({
    queryKey: ['host-status', name],
    queryFn: ({ signal }) => call('hostStatus', { params: { host: name } }, signal),
    refetchInterval: 20_000,
  })
  useRefreshOnChange(name, host.data?.host.id)
  if (blocks({ error: host.error ?? status.error, data: host.data && status.data }))
    return <ErrorState error={host.error ?? status.error} onRetry={() => host.refetch()} />
  if (!host.data || !status.data) return <Waiting />
  return <Shown {...host.data} status={status.data} />
}

/** The live fleet knows of a change before this page would ask again. */
function useRefreshOnChange(name: string, hostId: string | undefined) {
  const agents = useLiveFleet(hostId ? [hostId] : [])
  const client = useQueryClient()
  const mine = hostId ? agents.get(hostId) : undefined
  const mark = mine && `${mine.state} ${mine.stateSince} ${mine.lastAnswerAt}`
  useEffect(() => {
    if (!mark) return
    for (const key of ['host', 'host-status', 'host-history'])
      void client.invalidateQueries({ queryKey: [key, name] })
  }, [client, name, mark])
}

function Shown({ host, status, ...trust }: Answer<'showHost'> & { status: HostStatus }) {
  const mayRun = useMay('commands:run')
  const mayOpen = useMay('terminals:open')
  const isInstalled = host.agent?.installedAt != null
  return (
    <Stack gap="md">
      <PageHeader
        name={host.name}
        title={<Untrusted>{host.name}</Untrusted>}
        below={
          <Group gap="xs">
            <StateBadge state={status.state} reason={status.stateReason} />
            <Text size="sm" c="dimmed">
              {t('host.since')} <Ago at={status.stateSince} />
            </Text>
            <Labels labels={host.labels} />
          </Group>
        }
      >
        {mayRun && isInstalled && (
          <Button component={Link} to="/run" search={{ hosts: host.name } as never}>
            {t('host.run')}
          </Button>
        )}
        {mayOpen && isInstalled && (
          <Button variant="default" component={Link} to="/terminals" search={{ host: host.name } as never}>
            {t('host.terminal')}
          </Button>
        )}
        <HostActions host={host} />
      </PageHeader>
      {status.stateReason && (
        <Paper withBorder p="sm" style={{ borderLeft: `4px solid ${toColor(status.state)}` }}>
          <Text size="sm">
            <Untrusted>{status.stateReason}</Untrusted>
          </Text>
        </Paper>
      )}
      {(status.state === 'installing' || status.state === 'install_failed') && host.lastProvisioning && (
        <Anchor component={Link} to="/commands/$id" params={{ id: host.lastProvisioning } as never}>
          {t('host.installLog')}
        </Anchor>
      )}
      <Tabs defaultValue="overview" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="overview">{t('host.overview')}</Tabs.Tab>
          <Tabs.Tab value="timeline">{t('host.timeline')}</Tabs.Tab>
          <Tabs.Tab value="containers">{t('host.containers')}</Tabs.Tab>
          <Tabs.Tab value="commands">{t('host.commands')}</Tabs.Tab>
          <Tabs.Tab value="trust">{t('host.trust')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="overview" pt="md">
          <Overview host={host} status={status} />
        </Tabs.Panel>
        <Tabs.Panel value="timeline" pt="md">
          <Timeline name={host.name} />
        </Tabs.Panel>
        <Tabs.Panel value="containers" pt="md">
          <Containers status={status} />
        </Tabs.Panel>
        <Tabs.Panel value="commands" pt="md">
          <CommandTable query={{ host: host.name }} />
        </Tabs.Panel>
        <Tabs.Panel value="trust" pt="md">
          <Trust host={host} status={status} {...trust} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  )
}
