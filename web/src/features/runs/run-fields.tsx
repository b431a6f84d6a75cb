import {
  Button,
  Checkbox,
  Group,
  NumberInput,
  Paper,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core'
import { t } from '../../i18n/index.tsx'
import { CODE_INPUT } from '../../ui/theme.ts'
import type { InputProps } from '../../ui/use-request-form.ts'
import type { Draft } from './run-draft.ts'

interface Props {
  inputProps: InputProps
  draft: Draft
}

/** Draws what is run: a program with its arguments, or a script for a shell. */
export const ProgramFields = ({ inputProps, draft }: Props) => (
  <Paper withBorder p="md">
    <Stack gap="sm">
      <Text fw={600}>{t('run.what')}</Text>
      <SegmentedControl
        w="fit-content"
        aria-label={t('run.what')}
        data={[
          { value: 'program', label: t('run.program') },
          { value: 'shell', label: t('run.shell') },
        ]}
        {...inputProps('mode')}
      />
      {draft.mode === 'program' ? (
        <TextInput
          label={t('run.program')}
          description={t('run.programHint')}
          placeholder="systemctl status nginx"
          {...CODE_INPUT}
          {...inputProps('line')}
        />
      ) : (
        <Textarea
          label={t('run.shell')}
          description={t('run.shellHint')}
          placeholder="df -h / | tail -1"
          autosize
          minRows={3}
          maxRows={14}
          {...CODE_INPUT}
          {...inputProps('script')}
        />
      )}
    </Stack>
  </Paper>
)

/** Draws the working directory and the environment. What is typed there may be secret: the page alone keeps it. */
export function EnvironmentFields(props: Props & { onDrop(): void }) {
  const { inputProps, draft, onDrop } = props
  const { error: reuseError } = inputProps('envOf')
  return (
    <Paper withBorder p="md">
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput label={t('run.cwd')} {...CODE_INPUT} {...inputProps('cwd')} />
        <Textarea
          label={t('run.env')}
          description={t('run.envHint')}
          placeholder="NAME=value"
          autosize
          minRows={1}
          maxRows={8}
          autoComplete="off"
          {...CODE_INPUT}
          {...inputProps('envText')}
        />
      </SimpleGrid>
      {draft.envOf !== null && (
        <Group gap="xs" mt="sm">
          <Text size="sm">{t('run.envKept', { names: draft.envNames.join(', ') })}</Text>
          <Button size="compact-xs" variant="default" onClick={onDrop}>
            {t('run.envDrop')}
          </Button>
        </Group>
      )}
      {reuseError && (
        <Text size="sm" c="red" role="alert">
          {t('run.envRefused', { why: reuseError })}
        </Text>
      )}
      {draft.tty && <Checkbox mt="sm" label={t('run.tty')} {...inputProps('tty', { type: 'checkbox' })} />}
    </Paper>
  )
}

/** Draws how long it may take, and how many hosts at a time. */
export const LimitFields = ({ inputProps }: Pick<Props, 'inputProps'>) => (
  <Paper withBorder p="md">
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
      <NumberInput label={t('run.timeout')} min={1} {...inputProps('timeoutS')} />
      <NumberInput
        label={t('run.concurrency')}
        min={1}
        placeholder={t('run.unlimited')}
        {...inputProps('concurrency')}
      />
      <TextInput label={t('run.batch')} placeholder="10, 25%" {...inputProps('batch')} />
      <NumberInput
        label={t('run.stopAfter')}
        min={1}
        placeholder={t('run.never')}
        {...inputProps('stopAfter')}
      />
    </SimpleGrid>
  </Paper>
)
