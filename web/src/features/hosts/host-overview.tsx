import { SimpleGrid, Stack } from '@mantine/core'
import type { HostStatus, HostView } from '@rollcall/contracts/admin'
import { lazy, Suspense } from 'react'
import { t } from '../../i18n/index.tsx'
import { bytesText, durationText, intervalText, percentText } from '../../ui/format-values.ts'
import { Ago } from '../../ui/moment.tsx'
import { EmptyState, Waiting } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { type Fact, Facts } from './facts.tsx'

const HostCharts = lazy(() => import('./host-charts.tsx'))

export function Overview({ host, status }: { host: HostView; status: HostStatus }) {
  const { facts, vitals } = status
  return (
    <Stack>
      <Suspense fallback={<Waiting />}>
        <HostCharts name={host.name} />
      </Suspense>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Facts
          title={status.areValuesStale ? t('host.lastKnown') : t('host.now')}
          isStale={status.areValuesStale}
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
            [t('host.openPorts'), facts?.openPorts ? portsText(facts.openPorts) : '–'],
          ]}
        />
      </SimpleGrid>
    </Stack>
  )
}

/** Returns each port once, however many addresses it is open at. */
export const portsText = (ports: readonly { protocol: string; port: number }[]) =>
  [...new Set(ports.map(({ protocol, port }) => `${port}/${protocol}`))].join('  ')

const memoryText = ({ totalBytes, availableBytes }: { totalBytes: number; availableBytes: number }) =>
  `${bytesText(totalBytes - availableBytes)} / ${bytesText(totalBytes)}`

const heartbeatText = ({ profile, minMs, maxMs }: NonNullable<HostStatus['heartbeat']>) =>
  `${profile}: ${intervalText(minMs, maxMs)}`

export function Containers({ status }: { status: HostStatus }) {
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
