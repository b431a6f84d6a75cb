import { Alert, Button, Center, Group, Loader, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { ApiError } from '../api/client.ts'
import { t } from '../i18n/index.tsx'

/** What to do where there is nothing yet. */
export function EmptyState({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Center py={60}>
      <Stack align="center" gap="sm" maw={520} ta="center">
        <Title order={2}>{title}</Title>
        {children}
      </Stack>
    </Center>
  )
}

export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <Alert color="red" variant="light" title={t('error.title')} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{messageOf(error)}</Text>
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            {t('error.retry')}
          </Button>
        )}
      </Stack>
    </Alert>
  )
}

export const messageOf = (error: unknown): string => {
  if (error instanceof ApiError && error.code === 'network') return t('error.network')
  return error instanceof Error ? error.message : String(error)
}

export const Waiting = () => (
  <Center py={60}>
    <Loader size="sm" role="status" aria-label={t('loading')} />
  </Center>
)

export function PageHeader({
  title,
  children,
  below,
}: {
  title: ReactNode
  children?: ReactNode
  below?: ReactNode
}) {
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
