import { Group, Select, Stack, TextInput } from '@mantine/core'
import { commandKind, commandState } from '@rollcall/contracts/admin'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { PageHeader } from '../../ui/states.tsx'
import { useTypedText } from '../../ui/use-typed-text.ts'
import { CommandTable } from './command-table.tsx'

export const page = {
  path: '/commands',
  needs: 'commands:read',
  search: ['host', 'state', 'kind'],
  nav: { label: 'nav.commands', icon: 'commands', place: 4 },
} satisfies PageEntry

export default function CommandsPage() {
  const { host, ...rest } = useSearch({ from: '/inside/commands' })
  const navigate = useNavigate()
  const change = (next: Partial<Record<'host' | 'state' | 'kind', string | undefined>>) =>
    void navigate({ to: '/commands', search: (now: object) => ({ ...now, ...next }), replace: true })
  const [text, setText] = useTypedText(host ?? '', (next) => change({ host: next || undefined }), 400)
  const state = commandState.safeParse(rest.state).data
  const kind = commandKind.safeParse(rest.kind).data
  return (
    <Stack>
      <PageHeader title={t('nav.commands')} />
      <Group gap="xs">
        <TextInput
          placeholder={t('commands.host')}
          aria-label={t('commands.host')}
          value={text}
          maxLength={63}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Select
          placeholder={t('commands.anyState')}
          aria-label={t('fleet.state')}
          clearable
          value={state ?? null}
          data={commandState.options.map((value) => ({ value, label: t(`state.${value}`) }))}
          onChange={(value) => change({ state: value ?? undefined })}
        />
        <Select
          placeholder={t('commands.anyKind')}
          aria-label={t('commands.kind')}
          clearable
          value={kind ?? null}
          data={commandKind.options.map((value) => ({ value, label: t(`kind.${value}`) }))}
          onChange={(value) => change({ kind: value ?? undefined })}
        />
      </Group>
      <CommandTable
        query={{ ...(host && { search: host }), ...(state && { state }), ...(kind && { kind }) }}
      />
    </Stack>
  )
}
