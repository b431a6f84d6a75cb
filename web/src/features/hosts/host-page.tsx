import { Anchor, Group, Paper, Stack, Text } from '@mantine/core'
import type { HostStatus } from '@rollcall/contracts/admin'
import { useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useEffect } from 'react'
import type { Answer } from '../../api/client.ts'
import { answerKey, useAnswer } from '../../api/use-answer.ts'
import { useLiveFleet } from '../../api/use-fleet.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { LinkButton } from '../../ui/link-button.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Ago } from '../../ui/moment.tsx'
import { PageTabs } from '../../ui/page-tabs.tsx'
import { Reason } from '../../ui/reason.tsx'
import { StateBadge, toColor } from '../../ui/state-badge.tsx'
import { PageHeader } from '../../ui/states.tsx'
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
  const params = { host: name }
  const host = useAnswer('showHost', { params }, { refetchInterval: 30_000 })
  const status = useAnswer('hostStatus', { params }, { refetchInterval: 20_000 })
  useRefreshOnChange(name, host.data?.host.id)
  return (
    <Loaded query={host}>
      {(shown) => <Loaded query={status}>{(now) => <Shown {...shown} status={now} />}</Loaded>}
    </Loaded>
  )
}

/** The live fleet knows of a change before this page would ask again. */
function useRefreshOnChange(name: string, hostId: string | undefined) {
  const agents = useLiveFleet(hostId ? [hostId] : [])
  const client = useQueryClient()
  const mine = hostId ? agents.get(hostId) : undefined
  const mark = mine && `${mine.state} ${mine.stateSince} ${mine.lastAnswerAt}`
  useEffect(() => {
    if (!mark) return
    for (const route of ['showHost', 'hostStatus', 'hostHistory'] as const)
      void client.invalidateQueries({ queryKey: answerKey(route, { params: { host: name } }) })
  }, [client, name, mark])
}

function Shown({ host, status, ...trust }: Answer<'showHost'> & { status: HostStatus }) {
  const isInstalled = host.agent?.installedAt != null
  const search = { hosts: host.name }
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
        {isInstalled && (
          <>
            <LinkButton needs="commands:run" to="/run" search={search} label={t('host.run')} />
            <LinkButton
              needs="terminals:open"
              to="/terminals"
              search={{ host: host.name }}
              variant="default"
              label={t('host.terminal')}
            />
          </>
        )}
        <HostActions host={host} />
      </PageHeader>
      {status.stateReason && (
        <Paper withBorder p="sm" style={{ borderLeft: `4px solid ${toColor(status.state)}` }}>
          <Reason text={status.stateReason} />
        </Paper>
      )}
      {(status.state === 'installing' || status.state === 'install_failed') && host.lastProvisioning && (
        <Anchor component={Link} to="/commands/$id" params={{ id: host.lastProvisioning } as never}>
          {t('host.installLog')}
        </Anchor>
      )}
      <PageTabs
        tabs={[
          { name: 'overview', label: t('host.overview'), content: <Overview host={host} status={status} /> },
          { name: 'timeline', label: t('host.timeline'), content: <Timeline name={host.name} /> },
          { name: 'containers', label: t('host.containers'), content: <Containers status={status} /> },
          {
            name: 'commands',
            label: t('host.commands'),
            content: <CommandTable query={{ host: host.name }} />,
          },
          {
            name: 'trust',
            label: t('host.trust'),
            content: <Trust host={host} status={status} {...trust} />,
          },
        ]}
      />
    </Stack>
  )
}
