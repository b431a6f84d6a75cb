import { Alert, Button, Center, Group, Loader, Stack, Text, Title } from '@mantine/core'
import type { Permission } from '@rollcall/contracts/admin'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { ApiError } from '../api/client.ts'
import { t } from '../i18n/index.tsx'
import { useDocumentTitle } from './use-document-title.ts'

/** Says what to do where there is nothing yet. `order` is 1 where this is the whole page. */
export const EmptyState = (props: { title: string; order?: 1 | 2; children?: ReactNode }) => (
  <Center py={60}>
    <Stack align="center" gap="sm" maw={520} miw={0} ta="center">
      <Title order={props.order ?? 2}>{props.title}</Title>
      {props.children}
    </Stack>
  </Center>
)

/** Fields that come from a page's address, such as `/runs/ID`: an invalid one names nothing. */
const ADDRESSED = ['id', 'host', 'playbook', 'name', 'service']
const isNotFound = (error: unknown) =>
  error instanceof ApiError &&
  (error.status === 404 ||
    (error.status === 400 && error.fields.some(({ field }) => ADDRESSED.includes(field))))

/** Replaces a page that the user may not open. */
export function NotYours({ permission }: { permission: Permission }) {
  useDocumentTitle(t('notYours.title'))
  return (
    <EmptyState order={1} title={t('notYours.title')}>
      <Text size="sm">{t('notYours.text', { permission })}</Text>
    </EmptyState>
  )
}

/**
 * Tells whether an error replaces what a query has brought. A server that does not respond for a while takes nothing away that is
 * on the page; one that refuses what it gave before does.
 */
export const blocks = ({ error, data }: { error: unknown; data: unknown }): boolean =>
  Boolean(error) &&
  (data === undefined || (error instanceof ApiError && error.status >= 400 && error.status < 500))

/** Says that something is not there, with a way on. */
export function NotFound({ text }: { text: string }) {
  useDocumentTitle(t('notFound.title'))
  return (
    <EmptyState order={1} title={t('notFound.title')}>
      <Text size="sm">{text}</Text>
      <Button component={Link} to="/" variant="default">
        {t('notFound.back')}
      </Button>
    </EmptyState>
  )
}

export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  if (isNotFound(error))
    return <NotFound text={(error as ApiError).status === 404 ? toMessage(error) : t('notFound.text')} />
  return (
    <Alert color="red" variant="light" title={t('error.title')} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{toMessage(error)}</Text>
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            {t('error.retry')}
          </Button>
        )}
      </Stack>
    </Alert>
  )
}

export const toMessage = (error: unknown): string => {
  if (error instanceof ApiError && error.code === 'network') return t('error.network')
  return error instanceof Error ? error.message : String(error)
}

export const Waiting = () => (
  <Center py={60}>
    <Loader size="sm" role="status" aria-label={t('loading')} />
  </Center>
)

/** The title, and where that is no text, the same as plain text for the browser's tab. */
type PageTitle = { title: string; name?: never } | { title: ReactNode; name: string }

export function PageHeader(props: PageTitle & { children?: ReactNode; below?: ReactNode }) {
  const { title, name, children, below } = props
  useDocumentTitle(name ?? String(title))
  return (
    <Stack gap={4} mb="xs">
      <Group justify="space-between" wrap="wrap" gap="xs">
        <Title order={1}>{title}</Title>
        <Group gap="xs">{children}</Group>
      </Group>
      {below}
    </Stack>
  )
}
