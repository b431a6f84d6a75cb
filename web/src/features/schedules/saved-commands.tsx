import { Group, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { type Answer, call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { commandLine } from '../../ui/format-values.ts'
import { Loaded } from '../../ui/loaded.tsx'
import { type Column, ResourceTable } from '../../ui/resource-table.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'

type SavedCommand = Answer<'listSavedCommands'>['savedCommands'][number]

export function SavedCommands() {
  const mayRun = useMay('commands:run')
  return (
    <Loaded query={useAnswer('listSavedCommands', {})}>
      {({ savedCommands }) =>
        savedCommands.length === 0 ? (
          <Text size="sm" c="dimmed">
            {t('saved.none')}
          </Text>
        ) : (
          <ResourceTable
            rows={savedCommands}
            toKey={({ id }) => id}
            minWidth={560}
            columns={columns()}
            actions={mayRun && ((command) => <Actions command={command} />)}
          />
        )
      }
    </Loaded>
  )
}

const columns = (): Column<SavedCommand>[] => [
  { head: t('name'), cell: ({ name }) => name },
  {
    head: t('commands.command'),
    maxWidth: 420,
    cell: ({ program, args }) => (
      <Text size="sm" ff="monospace" truncate>
        <Untrusted>{commandLine(program, args)}</Untrusted>
      </Text>
    ),
  },
  { head: t('saved.by'), cell: ({ createdBy }) => <Untrusted>{createdBy}</Untrusted> },
]

function Actions({ command: { name, program, args } }: { command: SavedCommand }) {
  const navigate = useNavigate()
  return (
    <Group gap="xs">
      <ConfirmButton
        label={t('saved.run')}
        title={t('saved.runTitle', { name })}
        explanation={commandLine(program, args)}
        color="cyan"
        send={() => call('runSavedCommand', { params: { name }, body: {} })}
        onSent={({ runId }) => navigate({ to: '/runs/$id', params: { id: runId } })}
      />
      <ConfirmButton
        title={t('saved.removeTitle', { name })}
        explanation={t('saved.removeText')}
        send={() => call('removeSavedCommand', { params: { name } })}
        invalidates={['listSavedCommands']}
      />
    </Group>
  )
}
