import { Stack, Title } from '@mantine/core'
import type { ServiceDetail } from '@rollcall/contracts/admin'
import { Link } from '@tanstack/react-router'
import { t } from '../../i18n/index.tsx'
import { ResourceTable } from '../../ui/resource-table.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'

/** Shows which secrets a service uses, by name, and which volumes it has where. */
export const SecretsAndVolumes = ({ secrets, volumes }: Pick<ServiceDetail, 'secrets' | 'volumes'>) => (
  <Stack>
    <Title order={2}>{t('nav.secrets')}</Title>
    <ResourceTable
      rows={secrets}
      toKey={({ name }) => name}
      minWidth={320}
      empty={{ title: t('services.noSecrets') }}
      columns={[
        { head: t('secrets.name'), cell: ({ name }) => <Link to="/secrets">{name}</Link> },
        { head: t('services.appliedVersion'), cell: ({ version }) => version },
      ]}
    />
    <Title order={2}>{t('services.volumes')}</Title>
    <ResourceTable
      rows={volumes}
      toKey={({ name }) => name}
      minWidth={320}
      empty={{ title: t('services.noVolumes') }}
      columns={[
        { head: t('services.volume'), cell: ({ name }) => <Untrusted>{name}</Untrusted> },
        {
          head: t('services.volumeHosts'),
          cell: ({ hosts }) => <Untrusted>{hosts.join(', ')}</Untrusted>,
        },
      ]}
    />
  </Stack>
)
