import { Badge, Group, Stack, Text, Title } from '@mantine/core'
import type { ImageView } from '@rollcall/contracts/admin'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { bytesText } from '../../ui/format-values.ts'
import { Ago } from '../../ui/moment.tsx'
import { PageTabs } from '../../ui/page-tabs.tsx'
import { type Column, LoadedTable } from '../../ui/resource-table.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { ImagePulls } from './image-pulls.tsx'
import { PullImage } from './pull-image.tsx'
import { Registries } from './registries.tsx'
import { UploadImage } from './upload-image.tsx'

const REFRESH_MS = 3000

export const page = {
  path: '/images',
  needs: 'images:read',
  nav: { label: 'nav.images', icon: 'images', place: 9.2, group: 'nav.workloads' },
} satisfies PageEntry

/** Shows the images that the server has for services, and how they come to it. */
export default function ImagesPage() {
  return (
    <Stack>
      <PageHeader title={t('nav.images')} below={<Text size="sm">{t('images.text')}</Text>} />
      <PageTabs
        tabs={[
          { name: 'images', label: t('nav.images'), content: <Images /> },
          { name: 'registries', label: t('registries.title'), content: <Registries /> },
        ]}
      />
    </Stack>
  )
}

function Images() {
  const mayWrite = useMay('images:write')
  return (
    <Stack>
      <LoadedTable
        query={useAnswer('listImages', { query: {} }, { refetchInterval: REFRESH_MS })}
        rows={({ images }) => images}
        toKey={({ id }) => id}
        minWidth={760}
        empty={{ title: t('images.none'), text: t('images.noneText') }}
        columns={columns()}
        actions={mayWrite && (({ usedBy, ...image }) => usedBy.length === 0 && <RemoveImage {...image} />)}
      />
      {mayWrite && (
        <>
          <PullImage />
          <UploadImage />
        </>
      )}
      <Title order={2}>{t('images.pulls')}</Title>
      <ImagePulls />
    </Stack>
  )
}

const columns = (): Column<ImageView>[] => [
  {
    head: t('images.image'),
    cell: ({ name, digest, isHere }) => (
      <>
        <Untrusted>{name}</Untrusted>
        <Text size="xs" c="dimmed" ff="monospace" title={digest}>
          {digest.slice(0, 19)}…
        </Text>
        {!isHere && (
          <Text size="xs" c="var(--warn)">
            {t('images.elsewhere')}
          </Text>
        )}
      </>
    ),
  },
  {
    head: t('images.architectures'),
    cell: ({ variants }) => (
      <Group gap={4}>
        {variants.map(({ architecture, bytes }) => (
          <Badge key={architecture} variant="default" tt="none" title={bytesText(bytes)}>
            {architecture}
          </Badge>
        ))}
      </Group>
    ),
  },
  { head: t('secrets.size'), cell: ({ bytes }) => bytesText(bytes) },
  {
    head: t('secrets.usedBy'),
    maxWidth: 260,
    cell: ({ usedBy, spares }) => (
      <>
        <Untrusted>{usedBy.join(', ')}</Untrusted>
        {spares.length > 0 && (
          <Text size="xs" c="dimmed">
            {t('images.spares')} <Untrusted>{spares.map(({ host }) => host).join(', ')}</Untrusted>
          </Text>
        )}
      </>
    ),
  },
  {
    head: t('images.added'),
    cell: ({ addedAt, addedBy, source }) => (
      <>
        <Ago at={addedAt} />
        <Text size="xs" c="dimmed">
          {t(`images.from.${source}`)} · <Untrusted>{addedBy}</Untrusted>
        </Text>
      </>
    ),
  },
]

const RemoveImage = ({ id, name }: Pick<ImageView, 'id' | 'name'>) => (
  <ConfirmButton
    title={t('images.removeTitle', { name })}
    explanation={t('images.removeText')}
    send={() => call('removeImage', { params: { id } })}
    invalidates={['listImages']}
  />
)
