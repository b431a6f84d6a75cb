import { Checkbox, FileInput, Paper, Progress, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { call, sendContent } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { ResourceForm } from '../../ui/resource-form.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { type InputProps, useRequestForm } from '../../ui/use-request-form.ts'
import { NO_TARGET, toTarget } from '../targets/target.ts'
import { TargetFields } from '../targets/target-fields.tsx'

const EMPTY = {
  ...NO_TARGET,
  file: null as File | null,
  destination: '',
  mode: '',
  owner: '',
  makeParents: false,
}

function faultsIn({ file, destination, mode }: typeof EMPTY): Record<string, string> {
  return {
    ...(!file && { file: t('files.noFile') }),
    ...(!destination.startsWith('/') && { destination: t('files.notAbsolute') }),
    ...(mode.trim() !== '' && !/^[0-7]{3,4}$/.test(mode.trim()) && { mode: t('files.noMode') }),
  }
}

export const page = {
  path: '/files/new',
  needs: 'files:write',
} satisfies PageEntry

/** Sends a file to the server first, which goes on to all hosts by itself, also over restarts of its own. */
export default function NewFilePage() {
  const navigate = useNavigate()
  const [share, setShare] = useState(0)
  const transfer = useRequestForm({
    initialValues: EMPTY,
    draft: 'file',
    transient: ['file'],
    check: faultsIn,
    send: async ({ file, destination, mode, owner, makeParents, ...target }) => {
      setShare(0)
      const { sha256 } = await sendContent(file as File, setShare)
      return call('startTransfer', {
        body: {
          ...toTarget(target),
          destination,
          source: { kind: 'file', sha256 },
          mode: mode.trim() === '' ? null : Number.parseInt(mode, 8),
          owner: owner.trim() || null,
          makeParents,
        },
      })
    },
    onSent: ({ transfer: { id } }) => navigate({ to: '/files/$id', params: { id } }),
  })
  const { getInputProps, values } = transfer.form
  return (
    <Stack maw={920}>
      <PageHeader title={t('files.new')} below={<Text size="sm">{t('files.newText')}</Text>} />
      <ResourceForm form={transfer} submit={t('files.submit')}>
        <TargetFields target={values} inputProps={getInputProps} />
        <PlaceFields inputProps={getInputProps} />
        {transfer.isPending && <Progress value={share * 100} aria-label={t('files.sending')} />}
      </ResourceForm>
    </Stack>
  )
}

const PlaceFields = ({ inputProps }: { inputProps: InputProps }) => (
  <Paper withBorder p="md">
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <FileInput label={t('files.file')} placeholder={t('files.choose')} clearable {...inputProps('file')} />
      <TextInput
        label={t('files.destination')}
        description={t('files.destinationHint')}
        placeholder="/etc/motd"
        spellCheck={false}
        {...inputProps('destination')}
      />
      <TextInput
        label={t('files.mode')}
        description={t('files.modeHint')}
        placeholder="644"
        {...inputProps('mode')}
      />
      <TextInput
        label={t('files.owner')}
        description={t('files.ownerHint')}
        placeholder="root:root"
        {...inputProps('owner')}
      />
      <Checkbox label={t('files.makeParents')} {...inputProps('makeParents', { type: 'checkbox' })} />
    </SimpleGrid>
  </Paper>
)
