import { Alert, Stack, Text } from '@mantine/core'
import type { ServiceDetail } from '@rollcall/contracts/admin'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { Loaded } from '../../ui/loaded.tsx'
import { Ago } from '../../ui/moment.tsx'
import { PageTabs } from '../../ui/page-tabs.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { InstanceSquares } from './instance-squares.tsx'
import { InstanceTable } from './instance-table.tsx'
import { PlacementTab } from './placement-tab.tsx'
import { RevisionsTab } from './revisions-tab.tsx'
import { SecretsAndVolumes } from './secrets-and-volumes.tsx'
import { ServiceActions } from './service-actions.tsx'
import { ServiceEvents } from './service-events.tsx'
import { ServiceLogs } from './service-logs.tsx'
import { ServiceBadge } from './service-states.tsx'

const REFRESH_MS = 1500
const FROM = '/inside/services/$project/$name'

export const page = {
  path: '/services/$project/$name',
  needs: 'services:read',
  search: ['tab', 'slot'],
} satisfies PageEntry

export default function ServicePage() {
  const { project, name } = useParams({ from: FROM }) as { project: string; name: string }
  const reference = `${project}/${name}`
  const service = useAnswer(
    'showService',
    { params: { service: reference } },
    { refetchInterval: REFRESH_MS },
  )
  return <Loaded query={service}>{(detail) => <Service key={reference} detail={detail} />}</Loaded>
}

function Service({ detail }: { detail: ServiceDetail }) {
  const { service, instances } = detail
  const reference = `${service.project}/${service.name}`
  return (
    <Stack>
      <PageHeader
        title={reference}
        below={
          <Text size="sm" c="dimmed" component="div">
            <ServiceBadge state={service.state} /> ·{' '}
            {t('services.revisionNumber', { number: service.revision })} ·{' '}
            <Untrusted>{service.updatedBy}</Untrusted> · <Ago at={service.updatedAt} />
          </Text>
        }
      >
        <ServiceActions detail={detail} />
      </PageHeader>
      {service.reason && (
        <Alert color="orange" role="status">
          <Untrusted>{service.reason}</Untrusted>
        </Alert>
      )}
      <InstanceSquares service={reference} instances={instances} />
      <ServiceTabs detail={detail} reference={reference} />
    </Stack>
  )
}

function ServiceTabs({ detail, reference }: { detail: ServiceDetail; reference: string }) {
  const navigate = useNavigate()
  const { tab, slot } = useSearch({ from: FROM }) as { tab?: string; slot?: string }
  const { instances, secrets, volumes } = detail
  const show = (next: { tab: string; slot?: string | undefined }) =>
    void navigate({ to: '.', search: (now: object) => ({ ...now, ...next }), replace: true } as never)
  const onWhy = (number: number) => show({ tab: 'placement', slot: String(number) })
  const tabs = [
    {
      name: 'instances',
      content: <InstanceTable reference={reference} instances={instances} onWhy={onWhy} />,
    },
    {
      name: 'placement',
      content: (
        <PlacementTab
          reference={reference}
          slots={instances.map((each) => each.slot)}
          slot={slot === undefined ? undefined : Number(slot)}
          onSlot={onWhy}
        />
      ),
    },
    { name: 'revisions', content: <RevisionsTab reference={reference} /> },
    { name: 'logs', content: <ServiceLogs reference={reference} instances={instances} /> },
    { name: 'secrets', content: <SecretsAndVolumes secrets={secrets} volumes={volumes} /> },
    { name: 'events', content: <ServiceEvents reference={reference} /> },
  ] as const
  return (
    <PageTabs
      tabs={tabs.map(({ name, content }) => ({ name, label: t(`services.tab.${name}`), content }))}
      shown={tab}
      onShow={(name) => show({ tab: name })}
    />
  )
}
