import { type CommandView, isFinalState } from '@rollcall/contracts/admin'
import { useEffect } from 'react'
import { followOutput } from '../../api/use-output.ts'
import { TaskTable } from '../playbooks/task-table.tsx'
import { OutputViewer } from './output-viewer.tsx'

interface Props {
  command: CommandView
  onCommand(command: CommandView): void
  height: string
}

/** Shows the outcome of a command: a playbook's tasks, since its output is for the server, or else its output. */
export function CommandOutcome({ command, onCommand, height }: Props) {
  return command.kind === 'playbook' ? (
    <PlaybookTasks command={command} onCommand={onCommand} />
  ) : (
    <OutputViewer command={command} onCommand={onCommand} height={height} />
  )
}

function PlaybookTasks({ command, onCommand }: Omit<Props, 'height'>) {
  const { id, outputBytes } = command
  const hasEnded = isFinalState(command.state)
  // biome-ignore lint/correctness/useExhaustiveDependencies: its state alone is followed, from where it was opened
  useEffect(() => {
    if (hasEnded) return
    return followOutput(id, outputBytes, { output: () => undefined, command: onCommand })
  }, [id, hasEnded])
  return <TaskTable commandId={id} isOver={hasEnded} />
}
