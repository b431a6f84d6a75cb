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
import type { Draft } from './run-draft.ts'

interface Props {
  draft: Draft
  change(next: Partial<Draft>): void
  /** What is wrong, by the name of the field. */
  fields: Record<string, string>
}

const MONOSPACE = { input: { fontFamily: 'var(--mantine-font-family-monospace)' } }

/** What is run: a program with its arguments, or a line for a shell. */
export function ProgramFields({ draft, change, fields }: Props) {
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Text fw={600}>{t('run.what')}</Text>
        <SegmentedControl
          w="fit-content"
          aria-label={t('run.what')}
          value={draft.mode}
          onChange={(mode) => change({ mode: mode as Draft['mode'] })}
          data={[
            { value: 'program', label: t('run.program') },
            { value: 'shell', label: t('run.shell') },
          ]}
        />
        {draft.mode === 'program' ? (
          <TextInput
            label={t('run.program')}
            description={t('run.programHint')}
            placeholder="systemctl status nginx"
            styles={MONOSPACE}
            value={draft.line}
            error={fields.program ?? fields.args}
            spellCheck={false}
            onChange={(event) => change({ line: event.currentTarget.value })}
          />
        ) : (
          <Textarea
            label={t('run.shell')}
            description={t('run.shellHint')}
            placeholder="df -h / | tail -1"
            autosize
            minRows={3}
            maxRows={14}
            value={draft.script}
            spellCheck={false}
            styles={MONOSPACE}
            error={fields.program ?? fields.args}
            onChange={(event) => change({ script: event.currentTarget.value })}
          />
        )}
      </Stack>
    </Paper>
  )
}

/** In which folder and with which variables. What is typed here may be secret: it is kept by the page alone. */
export function EnvironmentFields(props: Props & { text: string; onText(text: string): void }) {
  const { draft, change, fields } = props
  return (
    <Paper withBorder p="md">
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput
          label={t('run.cwd')}
          value={draft.cwd}
          error={fields.cwd}
          spellCheck={false}
          styles={MONOSPACE}
          onChange={(event) => change({ cwd: event.currentTarget.value })}
        />
        <Textarea
          label={t('run.env')}
          description={t('run.envHint')}
          placeholder="NAME=value"
          autosize
          minRows={1}
          maxRows={8}
          value={props.text}
          error={fields.env}
          spellCheck={false}
          autoComplete="off"
          styles={MONOSPACE}
          onChange={(event) => props.onText(event.currentTarget.value)}
        />
      </SimpleGrid>
      {draft.envOf !== null && (
        <Group gap="xs" mt="sm">
          <Text size="sm">{t('run.envKept', { names: draft.envNames.join(', ') })}</Text>
          <Button size="compact-xs" variant="default" onClick={() => change({ envOf: null, envNames: [] })}>
            {t('run.envDrop')}
          </Button>
        </Group>
      )}
      {fields.envOf && (
        <Text size="sm" c="red" role="alert">
          {t('run.envRefused', { why: fields.envOf })}
        </Text>
      )}
      {draft.tty && (
        <Checkbox
          mt="sm"
          label={t('run.tty')}
          checked
          error={fields.tty}
          onChange={() => change({ tty: false })}
        />
      )}
    </Paper>
  )
}

/** How long it may take, and how it goes about its hosts. */
export function LimitFields({ draft, change, fields }: Props) {
  return (
    <Paper withBorder p="md">
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
        <NumberInput
          label={t('run.timeout')}
          value={draft.timeoutS}
          min={1}
          error={fields.timeoutMs}
          onChange={(value) => change({ timeoutS: Number(value) })}
        />
        <NumberInput
          label={t('run.concurrency')}
          value={draft.concurrency}
          min={1}
          error={fields['limits.concurrency']}
          placeholder={t('run.unlimited')}
          onChange={(value) => change({ concurrency: value === '' ? '' : Number(value) })}
        />
        <TextInput
          label={t('run.batch')}
          value={draft.batch}
          error={fields['limits.batch']}
          placeholder="10, 25%"
          onChange={(event) => change({ batch: event.currentTarget.value })}
        />
        <NumberInput
          label={t('run.stopAfter')}
          value={draft.stopAfter}
          min={1}
          error={fields['limits.stopAfterFailures']}
          placeholder={t('run.never')}
          onChange={(value) => change({ stopAfter: value === '' ? '' : Number(value) })}
        />
      </SimpleGrid>
    </Paper>
  )
}
