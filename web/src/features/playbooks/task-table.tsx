import { Text } from '@mantine/core'
import type { TaskResult } from '@rollcall/contracts/admin'
import { useQuery } from '@tanstack/react-query'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { durationText } from '../../ui/format-values.ts'
import { Loaded } from '../../ui/loaded.tsx'
import { type Column, ResourceTable } from '../../ui/resource-table.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'

const REFRESH_MS = 1000

/** Shows each task of a playbook on one host as it ends, with what it changed in files. */
export function TaskTable({ commandId, isOver }: { commandId: string; isOver: boolean }) {
  const tasks = useQuery({
    queryKey: ['tasks', commandId, isOver],
    queryFn: ({ signal }) => call('showPlaybookTasks', { params: { id: commandId } }, signal),
    refetchInterval: isOver ? false : REFRESH_MS,
  })
  return (
    <Loaded query={tasks}>
      {(data) => (
        <>
          <ResourceTable
            rows={data.tasks}
            toKey={({ task }) => task}
            minWidth={520}
            columns={columns()}
            rowProps={({ status }) => ({ 'data-task': status, style: { verticalAlign: 'top' } })}
          />
          {data.omitted > 0 && (
            <Text size="sm" c="dimmed">
              {t('playbooks.omitted', { count: data.omitted })}
            </Text>
          )}
        </>
      )}
    </Loaded>
  )
}

const columns = (): Column<TaskResult>[] => [
  {
    head: t('fleet.state'),
    width: 130,
    cell: ({ status, isIgnored }) => (
      <>
        <StateBadge state={status} />
        {isIgnored && ` (${t('playbooks.ignored')})`}
      </>
    ),
  },
  { head: t('playbooks.task'), cell: (task) => <TaskText task={task} /> },
  {
    head: t('commands.took'),
    width: 80,
    cell: ({ durationMs }) => (
      <Text size="xs" c="dimmed">
        {durationText(durationMs)}
      </Text>
    ),
  },
]

function TaskText({ task: { name, isHidden, message, diff } }: { task: TaskResult }) {
  const said = isHidden ? t('playbooks.hidden') : message && <Lines text={message} />
  return (
    <>
      <Untrusted>{name}</Untrusted>
      {said && (
        <Text size="xs" c="dimmed" component="div">
          {said}
        </Text>
      )}
      {diff && <Diff text={diff} />}
    </>
  )
}

const SIGNS: Record<string, string> = { '+': 'added', '-': 'removed', '@': 'place' }

/** Draws what a host says line by line, as text. A tab is harmless and means something in many files. */
const Lines = ({ text }: { text: string }) =>
  text.split('\n').map((line, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name
    <div key={i} data-sign={SIGNS[line[0] ?? '']}>
      <Untrusted>{line.replaceAll('\t', '    ') || ' '}</Untrusted>
    </div>
  ))

/** Draws a unified diff. */
const Diff = ({ text }: { text: string }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what can be scrolled must be reached by keys
  <div className="diff" tabIndex={0} role="region" aria-label={t('playbooks.diff')}>
    <Lines text={text} />
  </div>
)
