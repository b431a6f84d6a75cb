import { Button } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'
import { t } from '../i18n/index.tsx'

/** Copies a text, and says that it did. */
export function CopyButton({ text }: { text: string }) {
  const { copied, copy } = useClipboard({ timeout: 2000 })
  return (
    <Button size="xs" variant="default" onClick={() => copy(text)}>
      <span role="status">{copied ? t('copied') : t('copy')}</span>
    </Button>
  )
}
