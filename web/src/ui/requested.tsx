import { Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Ago } from './moment.tsx'
import { Untrusted } from './untrusted.tsx'

interface Props {
  of: { requestedBy: string; createdAt: string }
  children: ReactNode
}

/** Says who asked for something and when, and what it comes to. */
export const Requested = ({ of: { requestedBy, createdAt }, children }: Props) => (
  <Text size="sm" c="dimmed">
    <Untrusted>{requestedBy}</Untrusted> · <Ago at={createdAt} /> · {children}
  </Text>
)
