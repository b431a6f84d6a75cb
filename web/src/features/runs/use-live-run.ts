import type { RunCommand, RunView } from '@rollcall/contracts/admin'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { live } from '../../api/live.ts'
import { answerKey } from '../../api/use-answer.ts'

/** Counts and commands of a run as they change. */
export function useLiveRun(initial: RunView) {
  const [run, setRun] = useState(initial)
  const [commands, setCommands] = useState<ReadonlyMap<string, RunCommand>>(new Map())
  const client = useQueryClient()
  useEffect(
    () =>
      live.follow({
        takes: (event) =>
          (event.type === 'run' && event.runId === initial.id) ||
          (event.type === 'run-end' && event.run.id === initial.id),
        begin: () => ({ type: 'follow-run', runId: initial.id }),
        end: () => ({ type: 'unfollow-run', runId: initial.id }),
        onEvent(event) {
          if (event.type === 'run-end') {
            setRun(event.run)
            const input = { params: { id: initial.id } }
            void client.invalidateQueries({ queryKey: answerKey('summarizeRun', input) })
          } else if (event.type === 'run') {
            setRun((now) => ({ ...now, counts: event.counts }))
            setCommands((now) => {
              const next = new Map(now)
              for (const command of event.commands) next.set(command.id, command)
              return next
            })
          }
        },
      }),
    [initial.id, client],
  )
  return { run, setRun, commands }
}
