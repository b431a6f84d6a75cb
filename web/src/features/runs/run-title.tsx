import { Badge } from '@mantine/core'
import type { RunView } from '@rollcall/contracts/admin'
import { t } from '../../i18n/index.tsx'
import { commandTitle } from '../../ui/format-values.ts'
import { Untrusted } from '../../ui/untrusted.tsx'

export const runTitle = ({ program, args, playbook }: Pick<RunView, 'program' | 'args' | 'playbook'>) =>
  playbook ? playbook.name : commandTitle(program, args)

/** Shows what a run does, and marks a plan, which changes nothing. */
export function RunTitle({ run }: { run: Pick<RunView, 'program' | 'args' | 'playbook'> }) {
  return (
    <>
      {run.playbook && (
        <Badge
          mr="xs"
          tt="none"
          variant={run.playbook.mode === 'plan' ? 'outline' : 'filled'}
          data-mode={run.playbook.mode}
        >
          {t(`playbooks.mode.${run.playbook.mode}`)}
        </Badge>
      )}
      <Untrusted>{runTitle(run)}</Untrusted>
    </>
  )
}
