import { Anchor, Button, Group, Paper, SimpleGrid, Stack, Tabs, Text, Title } from '@mantine/core'
import type { HostEvent, HostStatus, HostView } from '@rollcall/contracts/admin'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { lazy, Suspense, useEffect } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { useLiveFleet } from '../../api/use-fleet.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { Ago } from '../../ui/moment.tsx'
import { colorOf, StateBadge } from '../../ui/state-badge.tsx'
import { EmptyState, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { bytesText, durationText, momentText, percentText } from '../../ui/words.ts'
import { CommandTable } from '../commands/command-table.tsx'
import { Labels } from '../fleet/fleet-row.tsx'

const HostCharts = lazy(() => import('./host-charts.tsx'))

export function HostPage() {
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
  if (host.error ?? status.error)
    return <ErrorState error={host.error ?? status.error} onRetry={() => host.refetch()} />
  if (!host.data || !status.data) return <Waiting />
  return <Shown host={host.data.host} status={status.data} />
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

function Shown({ host, status }: { host: HostView; status: HostStatus }) {
  const mayRun = useMay('commands:run')
  const mayOpen = useMay('terminals:open')
  const isInstalled = host.agent?.installedAt != null
  return (
    <Stack gap="md">
      <PageHeader
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
        <Paper withBorder p="sm" style={{ borderLeft: `4px solid ${colorOf(status.state)}` }}>
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
          <Trust host={host} status={status} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  )
}

function HostActions({ host }: { host: HostView }) {
  const mayWrite = useMay('hosts:write')
  const navigate = useNavigate()
  if (!mayWrite) return null
  const install = async () => {
    const { commandId } = await call('installHost', { params: { host: host.name } })
    await navigate({ to: '/commands/$id', params: { id: commandId } })
  }
  const remove = async (forget: boolean) => {
    const query = { forget: forget ? ('true' as const) : ('false' as const) }
    const { commandId } = await call('removeHost', { params: { host: host.name }, query })
    await navigate(commandId ? { to: '/commands/$id', params: { id: commandId } } : { to: '/' })
  }
  return (
    <>
      <ConfirmButton
        size="sm"
        label={t('host.install')}
        title={t('host.installTitle', { host: host.name })}
        explanation={t('host.installText')}
        confirm={t('host.install')}
        color="cyan"
        onConfirm={install}
      />
      <ConfirmButton
        size="sm"
        label={t('host.remove')}
        title={t('host.removeTitle', { host: host.name })}
        explanation={t('host.removeText')}
        confirm={t('host.remove')}
        onConfirm={() => remove(false)}
      />
      <ConfirmButton
        size="sm"
        label={t('host.forget')}
        title={t('host.forgetTitle', { host: host.name })}
        explanation={t('host.forgetText')}
        confirm={t('host.forget')}
        onConfirm={() => remove(true)}
      />
    </>
  )
}

type Fact = [string, React.ReactNode]

function Facts({ title, facts }: { title: string; facts: Fact[] }) {
  return (
    <Paper withBorder p="md">
      <Title order={2} mb="sm">
        {title}
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

function Overview({ host, status }: { host: HostView; status: HostStatus }) {
  const { facts, vitals } = status
  return (
    <Stack>
      <Suspense fallback={<Waiting />}>
        <HostCharts name={host.name} />
      </Suspense>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Facts
          title={t('host.now')}
          facts={[
            [t('host.lastAnswer'), <Ago key="a" at={status.lastAnswerAt} />],
            [t('host.nextCall'), <Ago key="n" at={status.nextCallAt} />],
            [t('host.roundTrip'), status.roundTripMs === null ? '–' : `${status.roundTripMs} ms`],
            [t('host.clock'), status.clockOffsetMs === null ? '–' : `${status.clockOffsetMs} ms`],
            [t('fleet.cpu'), percentText(vitals?.cpuPercent ?? null)],
            [t('fleet.memory'), vitals ? memoryText(vitals.memory) : '–'],
            [t('host.load'), vitals?.load.join('  ') ?? '–'],
            [t('host.uptime'), vitals ? durationText(vitals.uptimeS * 1000) : '–'],
            ...(vitals?.disks ?? []).map(
              (disk): Fact => [
                t('host.disk', { mount: disk.mount }),
                `${bytesText(disk.totalBytes - disk.availableBytes)} / ${bytesText(disk.totalBytes)}`,
              ],
            ),
          ]}
        />
        <Facts
          title={t('host.facts')}
          facts={[
            [t('host.address'), <Untrusted key="x">{`${host.user}@${host.address}:${host.port}`}</Untrusted>],
            [t('host.os'), <Untrusted key="o">{facts?.os.name ?? '–'}</Untrusted>],
            [t('host.kernel'), <Untrusted key="k">{facts?.kernel ?? '–'}</Untrusted>],
            [t('host.architecture'), <Untrusted key="r">{facts?.architecture ?? '–'}</Untrusted>],
            [t('host.cores'), facts?.cores ?? '–'],
            [t('host.timeZone'), <Untrusted key="z">{facts?.timeZone ?? '–'}</Untrusted>],
            [t('host.agentVersion'), <Untrusted key="v">{facts?.agentVersion ?? '–'}</Untrusted>],
            [t('host.heartbeat'), status.heartbeat ? heartbeatText(status.heartbeat) : '–'],
            [t('host.autoReinstall'), status.autoReinstall ? t('yes') : t('no')],
            [
              t('host.openPorts'),
              facts?.openPorts?.map(({ protocol, port }) => `${port}/${protocol}`).join('  ') ?? '–',
            ],
          ]}
        />
      </SimpleGrid>
    </Stack>
  )
}

const memoryText = ({ totalBytes, availableBytes }: { totalBytes: number; availableBytes: number }) =>
  `${bytesText(totalBytes - availableBytes)} / ${bytesText(totalBytes)}`

const heartbeatText = ({ profile, minMs, maxMs }: NonNullable<HostStatus['heartbeat']>) =>
  `${profile}: ${minMs / 1000}–${maxMs / 1000} s`

function Timeline({ name }: { name: string }) {
  const history = useQuery({
    queryKey: ['host-history', name],
    queryFn: ({ signal }) => call('hostHistory', { params: { host: name }, query: { limit: 200 } }, signal),
  })
  if (history.isPending) return <Waiting />
  if (history.error) return <ErrorState error={history.error} />
  return (
    <ol className="timeline">
      {history.data.events.map((event) => (
        <TimelineEvent key={event.id} event={event} />
      ))}
    </ol>
  )
}

function TimelineEvent({ event }: { event: HostEvent }) {
  return (
    <li style={{ '--dot': colorOf(event.to) } as React.CSSProperties}>
      <Group gap="xs">
        <StateBadge state={event.to} />
        <Text size="sm" c="dimmed">
          {momentText(event.at)} · <Ago at={event.at} />
        </Text>
      </Group>
      {event.reason && (
        <Text size="sm">
          <Untrusted>{event.reason}</Untrusted>
        </Text>
      )}
    </li>
  )
}

function Containers({ status }: { status: HostStatus }) {
  const containers = status.facts?.containers
  if (!containers) return <EmptyState title={t('host.containersUnknown')} />
  if (containers.length === 0) return <EmptyState title={t('host.noContainers')} />
  return (
    <SimpleGrid cols={{ base: 1, md: 2, xl: 3 }}>
      {containers.map((container) => (
        <Facts
          key={container.id}
          title={container.name}
          facts={[
            [t('host.image'), <Untrusted key="i">{container.image}</Untrusted>],
            [t('fleet.state'), `${container.state}${container.health ? ` (${container.health})` : ''}`],
            [t('host.started'), <Ago key="s" at={container.startedAt} />],
            [
              t('host.ports'),
              container.ports
                .map((port) => `${port.hostPort} → ${port.containerPort}/${port.protocol}`)
                .join('  ') || '–',
            ],
          ]}
        />
      ))}
    </SimpleGrid>
  )
}

function Trust({ host, status }: { host: HostView; status: HostStatus }) {
  const { agent } = host
  return (
    <Stack>
      <Text size="sm" maw={760}>
        {t('trust.text')}
      </Text>
      <Facts
        title={t('host.trust')}
        facts={[
          [t('trust.ssh'), <code key="s">{host.hostKey ?? t('trust.none')}</code>],
          [t('trust.certificate'), <code key="c">{agent?.certificatePin ?? t('trust.none')}</code>],
          [t('trust.port'), agent?.port ?? '–'],
          [t('trust.installed'), agent?.installedAt ? momentText(agent.installedAt) : '–'],
          [t('trust.lastAnswer'), <Ago key="a" at={agent?.lastAnswerAt ?? status.lastAnswerAt} />],
        ]}
      />
    </Stack>
  )
}
