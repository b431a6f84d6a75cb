import { Kbd, Modal, Stack, Text, TextInput, UnstyledButton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../api/client.ts'
import { t } from '../i18n/index.tsx'
import type { Page } from './pages.ts'
import { Untrusted } from './untrusted.tsx'

/** Pages and hosts by name. */
export default function Palette({
  pages,
  isOpen,
  onClose,
}: {
  pages: Page[]
  isOpen: boolean
  onClose(): void
}) {
  const [text, setText] = useState('')
  const [active, setActive] = useState(0)
  const [search] = useDebouncedValue(text.trim(), 120)
  const navigate = useNavigate()
  const hosts = useQuery({
    queryKey: ['palette', search],
    queryFn: ({ signal }) => call('listAgents', { query: { search, limit: 8 } }, signal),
    enabled: isOpen && search !== '',
  })
  const close = () => {
    onClose()
    setText('')
    setActive(0)
  }
  const found = [
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
  const choose = (index: number) => {
    const chosen = found[index]
    if (!chosen) return
    close()
    void chosen.go()
  }
  return (
    <Modal
      opened={isOpen}
      onClose={close}
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
        onChange={(event) => {
          setText(event.currentTarget.value)
          setActive(0)
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') choose(active)
          else if (event.key === 'ArrowDown') setActive(Math.min(found.length - 1, active + 1))
          else if (event.key === 'ArrowUp') setActive(Math.max(0, active - 1))
          else return
          event.preventDefault()
        }}
      />
      <Stack gap={0} mt="xs">
        {found.map(({ key, text: name, kind }, i) => (
          <UnstyledButton
            key={key}
            onClick={() => choose(i)}
            onMouseEnter={() => setActive(i)}
            p={8}
            bg={i === active ? 'var(--mantine-color-default-hover)' : undefined}
            style={{ borderRadius: 6, display: 'flex', justifyContent: 'space-between' }}
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
