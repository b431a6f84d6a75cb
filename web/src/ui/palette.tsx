import { Kbd, Modal, Stack, Text, TextInput, UnstyledButton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, useState } from 'react'
import { useAnswer } from '../api/use-answer.ts'
import { t } from '../i18n/index.tsx'
import type { NavigationItem } from '../pages.ts'
import { Untrusted } from './untrusted.tsx'

interface Props {
  pages: readonly NavigationItem[]
  isOpen: boolean
  onClose(): void
}

interface Found {
  key: string
  text: string
  kind: string
  go(): unknown
}

/** Finds pages and hosts by name. */
export default function Palette({ pages, isOpen, onClose }: Props) {
  const [text, setText] = useState('')
  const [active, setActive] = useState(0)
  const found = useFound(pages, text, isOpen)
  const type = (next: string) => {
    setText(next)
    setActive(0)
  }
  const choose = (index: number) => {
    const chosen = found[index]
    if (!chosen) return
    onClose()
    void chosen.go()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') choose(active)
    else if (event.key === 'ArrowDown') setActive(Math.min(found.length - 1, active + 1))
    else if (event.key === 'ArrowUp') setActive(Math.max(0, active - 1))
    else return
    event.preventDefault()
  }
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      withCloseButton={false}
      padding="xs"
      aria-label={t('palette.title')}
    >
      <TextInput
        data-autofocus
        placeholder={t('palette.title')}
        aria-label={t('palette.title')}
        value={text}
        rightSection={<Kbd size="xs">{t('palette.escape')}</Kbd>}
        rightSectionWidth={48}
        onChange={(event) => type(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <Stack gap={0} mt="xs">
        {found.map(({ key, text: name, kind }, i) => (
          <UnstyledButton
            key={key}
            onClick={() => choose(i)}
            onMouseEnter={() => setActive(i)}
            p={8}
            bg={i === active ? 'var(--mantine-color-default-hover)' : undefined}
            style={{
              borderRadius: 6,
              display: 'flex',
              alignItems: 'center',
              justifyContent: 'space-between',
            }}
          >
            <Untrusted>{name}</Untrusted>
            <Text size="xs" c="dimmed">
              {kind}
            </Text>
          </UnstyledButton>
        ))}
      </Stack>
    </Modal>
  )
}

/** Returns the pages and hosts whose name contains a text. */
function useFound(pages: readonly NavigationItem[], text: string, isOpen: boolean): Found[] {
  const navigate = useNavigate()
  const [search] = useDebouncedValue(text.trim(), 120)
  const isWanted = isOpen && search !== ''
  const hosts = useAnswer('listAgents', { query: { search, limit: 8 } }, { enabled: isWanted })
  return [
    ...pages
      .filter(({ label }) => t(label).toLowerCase().includes(text.toLowerCase()))
      .map(({ to, label }) => ({
        key: to,
        text: t(label),
        kind: t('palette.page'),
        go: () => navigate({ to }),
      })),
    ...(hosts.data?.agents ?? []).map(({ host }) => ({
      key: `host ${host}`,
      text: host,
      kind: t('palette.host'),
      go: () => navigate({ to: '/hosts/$host', params: { host } }),
    })),
  ]
}
