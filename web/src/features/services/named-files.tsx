import { Button, FileButton, Group, Stack, Text } from '@mantine/core'
import { t } from '../../i18n/index.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import type { NamedFile } from './use-reading.ts'

interface Props {
  /** Paths that the service file names. */
  paths: readonly string[]
  files: readonly NamedFile[]
  onChange(files: NamedFile[]): void
}

/** Asks for the env files and configs that a service file names: a browser cannot read them by itself. */
export function NamedFiles({ paths, files, onChange }: Props) {
  if (paths.length === 0) return null
  const take = async (path: string, file: File | null) => {
    if (file) onChange([...files.filter((each) => each.path !== path), { path, text: await file.text() }])
  }
  return (
    <Stack gap={6}>
      <Text size="sm" fw={500}>
        {t('plan.files')}
      </Text>
      {paths.map((path) => (
        <Group key={path} gap="xs">
          <FileButton onChange={(file) => void take(path, file)}>
            {(props) => (
              <Button size="compact-sm" variant="default" {...props}>
                {t('secrets.choose')}
              </Button>
            )}
          </FileButton>
          <code>
            <Untrusted>{path}</Untrusted>
          </code>
          <Text size="sm" c={files.some((each) => each.path === path) ? 'var(--ok)' : 'var(--warn)'}>
            {t(files.some((each) => each.path === path) ? 'plan.fileRead' : 'plan.fileMissing')}
          </Text>
        </Group>
      ))}
    </Stack>
  )
}
