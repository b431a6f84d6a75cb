import {
  Button,
  Checkbox,
  FileInput,
  Group,
  Paper,
  Progress,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { call, sendContent } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { FormError, useAttempt } from '../../ui/use-attempt.tsx'
import { useDraft } from '../../ui/use-draft.ts'
import { NO_TARGET, targetOf } from '../targets/target.ts'
import { TargetFields } from '../targets/target-fields.tsx'

const EMPTY = { ...NO_TARGET, destination: '', mode: '', owner: '', makeParents: false }

/** Where faults are shown. */
const PLACES = {
  hosts: 'hosts',
  labels: 'labels',
  all: 'by',
  file: 'file',
  destination: 'destination',
  mode: 'mode',
  owner: 'owner',
} as const

/** What is wrong with what was typed, by the name of the field. */
function faultsOf({ destination, mode }: typeof EMPTY, file: File | null): Record<string, string> {
  return {
    ...(!file && { file: t('files.noFile') }),
    ...(!destination.startsWith('/') && { destination: t('files.notAbsolute') }),
    ...(mode !== '' && !/^[0-7]{3,4}$/.test(mode) && { mode: t('files.noMode') }),
  }
}

/** The file goes to the server first, and from there to all hosts, over restarts of the server too. */
export function NewFilePage() {
  const navigate = useNavigate()
  const [draft, change, forget] = useDraft('file', EMPTY)
  const [file, setFile] = useState<File | null>(null)
  const [share, setShare] = useState(0)
  const { attempt, isWorking, error, refuse, fields } = useAttempt({ ...draft, file }, PLACES)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const found = faultsOf(draft, file)
    if (!file || Object.keys(found).length > 0) return refuse(found)
    setShare(0)
    await attempt(async () => {
      const { sha256 } = await sendContent(file, setShare)
      const { transfer } = await call('startTransfer', {
        body: {
          ...targetOf(draft),
          destination: draft.destination,
          source: { kind: 'file', sha256 },
          mode: draft.mode === '' ? null : Number.parseInt(draft.mode, 8),
          owner: draft.owner === '' ? null : draft.owner,
          makeParents: draft.makeParents,
        },
      })
      forget()
      await navigate({ to: '/files/$id', params: { id: transfer.id } })
    })
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack maw={920}>
        <PageHeader title={t('files.new')} below={<Text size="sm">{t('files.newText')}</Text>} />
        <TargetFields target={draft} onChange={change} fields={fields} />
        <Paper withBorder p="md">
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <FileInput
              label={t('files.file')}
              placeholder={t('files.choose')}
              value={file}
              onChange={setFile}
              error={fields.file}
              clearable
            />
            <TextInput
              label={t('files.destination')}
              description={t('files.destinationHint')}
              placeholder="/etc/motd"
              value={draft.destination}
              error={fields.destination}
              spellCheck={false}
              onChange={(event) => change({ destination: event.currentTarget.value })}
            />
            <TextInput
              label={t('files.mode')}
              description={t('files.modeHint')}
              placeholder="644"
              value={draft.mode}
              error={fields.mode}
              onChange={(event) => change({ mode: event.currentTarget.value.trim() })}
            />
            <TextInput
              label={t('files.owner')}
              description={t('files.ownerHint')}
              placeholder="root:root"
              value={draft.owner}
              error={fields.owner}
              onChange={(event) => change({ owner: event.currentTarget.value.trim() })}
            />
            <Checkbox
              label={t('files.makeParents')}
              checked={draft.makeParents}
              onChange={(event) => change({ makeParents: event.currentTarget.checked })}
            />
          </SimpleGrid>
        </Paper>
        <FormError error={error} />
        {isWorking && <Progress value={share * 100} aria-label={t('files.sending')} />}
        <Group>
          <Button type="submit" loading={isWorking}>
            {t('files.submit')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
