import { Button, Group, Paper, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { doAndTell } from './bulk-notice.tsx'
import { LabelDialog } from './label-dialog.tsx'

export function BulkActions({ hosts, onDone }: { hosts: string[]; onDone(): void }) {
  const mayRun = useMay('commands:run')
  const mayWrite = useMay('hosts:write')
  const navigate = useNavigate()
  const client = useQueryClient()
  const [isLabelling, setLabelling] = useState(false)
  const again = () => client.invalidateQueries({ queryKey: ['agents'] })
  /** Starts a job that continues when the dialog, or the page, is closed. */
  const begin = async (what: string, act: Parameters<typeof doAndTell>[2]) => {
    void doAndTell(what, hosts, act).then(again)
    onDone()
  }
  return (
    <Paper withBorder p="xs" role="region" aria-label={t('bulk.title', { count: hosts.length })}>
      <Group gap="xs">
        <Text size="sm" fw={600}>
          {t('bulk.title', { count: hosts.length })}
        </Text>
        {mayRun && (
          <Button size="xs" onClick={() => navigate({ to: '/run', search: { hosts: hosts.join(',') } })}>
            {t('bulk.run')}
          </Button>
        )}
        {mayWrite && (
          <>
            <Button size="xs" variant="default" onClick={() => setLabelling(true)}>
              {t('bulk.label')}
            </Button>
            <ConfirmButton
              label={t('bulk.install')}
              title={t('bulk.installTitle', { count: hosts.length })}
              explanation={t('bulk.installText')}
              color="cyan"
              send={() => begin(t('bulk.install'), (host) => call('installHost', { params: { host } }))}
            />
            <ConfirmButton
              label={t('bulk.remove')}
              title={t('bulk.removeTitle', { count: hosts.length })}
              explanation={t('bulk.removeText', {
                count: hosts.length,
                hosts: hosts.slice(0, 20).join(', '),
              })}
              send={() =>
                begin(t('bulk.remove'), async (host) => {
                  const query = { forget: 'false' as const }
                  const { commandId } = await call('removeHost', { params: { host }, query })
                  return commandId === null ? undefined : { commandId }
                })
              }
            />
          </>
        )}
        <Button size="xs" variant="subtle" onClick={onDone}>
          {t('bulk.clear')}
        </Button>
      </Group>
      {isLabelling && (
        <LabelDialog
          onClose={() => setLabelling(false)}
          onApply={(change) =>
            begin(t('bulk.label'), async (host) => {
              const { host: known } = await call('showHost', { params: { host } })
              await call('changeHost', {
                params: { host },
                body: { labels: change(known.labels), ifLabels: known.labels },
              })
              return undefined
            })
          }
        />
      )}
    </Paper>
  )
}
