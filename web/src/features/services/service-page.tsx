import { Alert, Stack, Text } from '@mantine/core'
import type { ServiceDetail } from '@rollcall/contracts/admin'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { Loaded } from '../../ui/loaded.tsx'
import { Ago } from '../../ui/moment.tsx'
import { PageTabs } from '../../ui/page-tabs.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { InstanceGrid } from './instance-grid.tsx'
import { InstanceTable } from './instance-table.tsx'
import { PlacementTab } from './placement-tab.tsx'
import { RevisionsTab } from './revisions-tab.tsx'
import { SecretsAndVolumes } from './secrets-and-volumes.tsx'
import { ServiceActions } from './service-actions.tsx'
import { ServiceEvents } from './service-events.tsx'
import { ServiceLogs } from './service-logs.tsx'
import { ServiceBadge } from './service-states.tsx'
import { useService } from './use-watched-services.ts'

const FROM = '/inside/services/$project/$name'

export const page = {
  path: '/services/$project/$name',
  needs: 'services:read',
  search: ['tab', 'slot'],
} satisfies PageEntry

export default function ServicePage() {
  const { project, name } = useParams({ from: FROM }) as { project: string; name: string }
  const reference = `${project}/${name}`
  const { query, toDetail, ...changes } = useService(reference)
  return (
    <Loaded query={query}>
      {(answer) => <Service key={reference} detail={toDetail(answer)} changes={changes} />}
    </Loaded>
  )
}

interface Props {
  detail: ServiceDetail
  changes: { news: number; isPushed: boolean }
}

function Service({ detail, changes }: Props) {
  const { service } = detail
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
      <ServiceTabs detail={detail} reference={reference} changes={changes} />
    </Stack>
  )
}

function ServiceTabs({ detail, reference, changes }: Props & { reference: string }) {
  const navigate = useNavigate()
  const { tab, slot } = useSearch({ from: FROM }) as { tab?: string; slot?: string }
  const { instances, secrets, volumes } = detail
  const show = (next: { tab: string; slot?: string | undefined }) =>
    void navigate({ to: '.', search: (now: object) => ({ ...now, ...next }), replace: true } as never)
  const onWhy = (number: number) => show({ tab: 'placement', slot: String(number) })
  const picked = slot === undefined ? undefined : Number(slot)
  const tabs = [
    {
      name: 'instances',
      content: <InstanceTable reference={reference} instances={instances} picked={picked} onWhy={onWhy} />,
    },
    {
      name: 'placement',
      content: (
        <PlacementTab
          reference={reference}
          slots={instances.map((each) => each.slot)}
          slot={picked}
          onSlot={onWhy}
        />
      ),
    },
    { name: 'revisions', content: <RevisionsTab reference={reference} /> },
    { name: 'logs', content: <ServiceLogs reference={reference} instances={instances} /> },
    { name: 'secrets', content: <SecretsAndVolumes secrets={secrets} volumes={volumes} /> },
    { name: 'events', content: <ServiceEvents reference={reference} {...changes} /> },
  ] as const
  return (
    <>
      <InstanceGrid
        service={reference}
        instances={instances}
        onPick={(number) => show({ tab: 'instances', slot: String(number) })}
      />
      <PageTabs
        tabs={tabs.map(({ name, content }) => ({ name, label: t(`services.tab.${name}`), content }))}
        shown={tab}
        onShow={(name) => show({ tab: name })}
      />
    </>
  )
}
