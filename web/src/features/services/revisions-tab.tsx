import { Group, Paper, Stack, Text } from '@mantine/core'
import type { RevisionView } from '@rollcall/contracts/admin'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import { LinkButton } from '../../ui/link-button.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Ago } from '../../ui/moment.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { FieldChanges } from './field-changes.tsx'

/** Shows the revisions of a service, the newest first, each with what it changed. */
export function RevisionsTab({ reference }: { reference: string }) {
  const revisions = useAnswer('listServiceRevisions', { params: { service: reference } })
  return (
    <Loaded query={revisions}>
      {({ revisions: all }) => (
        <Stack>
          {all.map((revision) => (
            <Revision key={revision.number} revision={revision} />
          ))}
        </Stack>
      )}
    </Loaded>
  )
}

const Revision = ({ revision }: { revision: RevisionView }) => {
  const { number, digest, createdAt, createdBy, isProven, planId, images, changes } = revision
  return (
    <Paper withBorder p="sm" data-revision={number}>
      <Group justify="space-between" gap="xs">
        <Group gap="xs">
          <Text fw={600}>{t('services.revisionNumber', { number })}</Text>
          {isProven && (
            <Text size="sm" c="var(--ok)" title={t('services.provenText')}>
              <span aria-hidden>✓</span> {t('services.proven')}
            </Text>
          )}
          <Text size="sm" c="dimmed" component="div">
            <Untrusted>{createdBy}</Untrusted> · <Ago at={createdAt} /> ·{' '}
            <span title={digest} className="num">
              {digest.slice(0, 12)}
            </span>
          </Text>
        </Group>
        {planId && (
          <LinkButton
            needs="services:write"
            to="/services/plan"
            search={{ from: planId }}
            variant="default"
            size="xs"
            label={t('services.editFile')}
          />
        )}
      </Group>
      {images.map(({ container, ref, digest: image }) => (
        <Text key={container} size="xs" c="dimmed" ff="monospace" title={image ?? undefined}>
          <Untrusted>{`${container}: ${ref}`}</Untrusted>
        </Text>
      ))}
      <FieldChanges changes={changes} />
    </Paper>
  )
}
