import { Table, Text } from '@mantine/core'
import type { TaskResult } from '@rollcall/contracts/admin'
import { useQuery } from '@tanstack/react-query'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { blocks, ErrorState, Waiting } from '../../ui/states.tsx'
import { Heads, TableScroll } from '../../ui/table-scroll.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { durationText } from '../../ui/words.ts'

const REFRESH_MS = 1000

const LOOKS: Record<TaskResult['status'], { color: string; icon: string }> = {
  ok: { color: 'var(--ok)', icon: '✓' },
  changed: { color: 'var(--warn)', icon: '±' },
  failed: { color: 'var(--bad)', icon: '✕' },
  unreachable: { color: 'var(--bad)', icon: '✕' },
  rescued: { color: 'var(--warn)', icon: '↩' },
  skipped: { color: 'var(--mantine-color-dimmed)', icon: '–' },
}

/** Each task of a playbook on one host as it ends, with what it changed in files. */
export function TaskTable({ commandId, isOver }: { commandId: string; isOver: boolean }) {
  const { data, error } = useQuery({
    queryKey: ['tasks', commandId, isOver],
    queryFn: ({ signal }) => call('showPlaybookTasks', { params: { id: commandId } }, signal),
    refetchInterval: isOver ? false : REFRESH_MS,
  })
  if (blocks({ error, data })) return <ErrorState error={error} />
  if (!data) return <Waiting />
  return (
    <TableScroll minWidth={520}>
      <Table>
        <Heads heads={[t('fleet.state'), t('playbooks.task'), t('commands.took')]} />
        <Table.Tbody>
          {data.tasks.map((task) => (
            <Row key={task.task} task={task} />
          ))}
        </Table.Tbody>
      </Table>
      {data.omitted > 0 && (
        <Text size="sm" c="dimmed">
          {t('playbooks.omitted', { count: data.omitted })}
        </Text>
      )}
    </TableScroll>
  )
}

function Row({ task }: { task: TaskResult }) {
  const { color, icon } = LOOKS[task.status]
  return (
    <Table.Tr data-task={task.status}>
      <Table.Td w={130} style={{ verticalAlign: 'top', color, fontWeight: 550 }}>
        <span aria-hidden>{icon}</span> {t(`task.${task.status}`)}
        {task.isIgnored && ` (${t('playbooks.ignored')})`}
      </Table.Td>
      <Table.Td>
        <Untrusted>{task.name}</Untrusted>
        {task.isHidden ? (
          <Text size="xs" c="dimmed">
            {t('playbooks.hidden')}
          </Text>
        ) : (
          task.message && (
            <Text size="xs" c="dimmed" component="div">
              <Lines text={task.message} />
            </Text>
          )
        )}
        {task.diff && <Diff text={task.diff} />}
      </Table.Td>
      <Table.Td w={80} style={{ verticalAlign: 'top' }}>
        <Text size="xs" c="dimmed">
          {durationText(task.durationMs)}
        </Text>
      </Table.Td>
    </Table.Tr>
  )
}

const SIGNS: Record<string, string> = { '+': 'added', '-': 'removed', '@': 'place' }

/** What a host says, line by line, as text. A tabulator is no danger and means something in many files. */
const Lines = ({ text }: { text: string }) =>
  text.split('\n').map((line, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name
    <div key={i} data-sign={SIGNS[line[0] ?? '']}>
      <Untrusted>{line.replaceAll('\t', '    ') || ' '}</Untrusted>
    </div>
  ))

/** A unified diff. */
const Diff = ({ text }: { text: string }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what can be scrolled must be reached by keys
  <div className="diff" tabIndex={0} role="region" aria-label={t('playbooks.diff')}>
    <Lines text={text} />
  </div>
)
