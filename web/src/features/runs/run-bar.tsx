import { RUN_STATE, type RunCounts, type RunPlaybookView } from '@rollcall/contracts/admin'
import { StateBar } from '../../ui/state-bar.tsx'

/** Shows how far a run has come. A host on which a plan succeeded is planned: nothing was changed there. */
export const RunBar = ({ counts, playbook }: { counts: RunCounts; playbook: RunPlaybookView | null }) => (
  <StateBar
    states={RUN_STATE}
    counts={counts}
    shownAs={(state) => (state === 'success' && playbook?.mode === 'plan' ? 'planned' : state)}
  />
)
