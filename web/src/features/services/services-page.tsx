import { Code, Group, Stack, Text } from '@mantine/core'
import type { ServiceListed } from '@rollcall/contracts/admin'
import { Link } from '@tanstack/react-router'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { CopyButton } from '../../ui/copy-button.tsx'
import { LinkButton } from '../../ui/link-button.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Ago } from '../../ui/moment.tsx'
import { type Column, ResourceTable } from '../../ui/resource-table.tsx'
import { EmptyState, PageHeader } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { EXAMPLE } from './example.ts'
import { InstanceSquares } from './instance-squares.tsx'
import { ServiceBadge } from './service-states.tsx'
import { useServices } from './use-watched-services.ts'

export const page = {
  path: '/services',
  needs: 'services:read',
  nav: { label: 'nav.services', icon: 'services', place: 9.1, group: 'nav.workloads' },
} satisfies PageEntry

/** Shows every service with its instances as squares. */
export default function ServicesPage() {
  const { query, toRows } = useServices()
  return (
    <Stack>
      <PageHeader title={t('nav.services')}>
        <LinkButton needs="services:write" to="/services/plan" label={t('services.plan')} />
      </PageHeader>
      <Loaded query={query}>
        {(answer) => {
          const rows = toRows(answer)
          return rows.length === 0 ? (
            <NoServices />
          ) : (
            <ResourceTable rows={rows} toKey={({ id }) => id} minWidth={760} columns={columns()} />
          )
        }}
      </Loaded>
    </Stack>
  )
}

const columns = (): Column<ServiceListed>[] => [
  {
    head: t('services.service'),
    cell: ({ project, name }) => (
      <Link to="/services/$project/$name" params={{ project, name }} className="row-link">
        {`${project}/${name}`}
      </Link>
    ),
  },
  {
    head: t('services.stateHead'),
    width: 150,
    cell: ({ state, reason }) => <ServiceBadge state={state} reason={reason} />,
  },
  {
    head: t('services.instances'),
    minWidth: 160,
    cell: ({ project, name, instances }) => (
      <InstanceSquares service={`${project}/${name}`} instances={instances} />
    ),
  },
  {
    head: t('services.images'),
    maxWidth: 320,
    cell: ({ images, playbook }) => (
      <Text size="xs" c="dimmed" ff="monospace">
        <Untrusted>{playbook === null ? images.join(', ') : t('services.playbook', { playbook })}</Untrusted>
      </Text>
    ),
  },
  { head: t('services.revision'), cell: ({ revision }) => revision },
  {
    head: t('services.applied'),
    cell: ({ updatedAt, updatedBy }) => (
      <>
        <Ago at={updatedAt} />{' '}
        <Text size="xs" c="dimmed" span>
          <Untrusted>{updatedBy}</Untrusted>
        </Text>
      </>
    ),
  },
]

const NoServices = () => (
  <EmptyState title={t('services.none')}>
    <Text size="sm">{t('services.noneText')}</Text>
    <Code block ta="left" w="100%">
      {EXAMPLE}
    </Code>
    <Group gap="xs">
      <CopyButton text={EXAMPLE} />
      <LinkButton
        needs="services:write"
        to="/services/plan"
        search={{ from: 'example' }}
        label={t('services.tryExample')}
      />
    </Group>
    <Text size="sm">{t('services.noneImage')}</Text>
  </EmptyState>
)
