import {
  INSTANCE_HEALTH,
  INSTANCE_STATE,
  type InstanceHealth,
  type InstanceMark,
  type InstanceState,
  SERVICE_STATE,
  type ServiceState,
  type Tone,
} from '@rollcall/contracts/admin'
import { t } from '../../i18n/index.tsx'
import { StateSign } from '../../ui/state-badge.tsx'

export const instanceWord = (state: InstanceState): string => t(`instances.state.${state}`)
export const healthWord = (health: InstanceHealth): string => t(`instances.health.${health}`)

/** Returns how an instance looks in a word: its health while it runs, and its state otherwise. */
export const markTone = ({ state, health }: Pick<InstanceMark, 'state' | 'health'>): Tone =>
  state === 'running' && health !== 'unknown'
    ? INSTANCE_HEALTH.describe(health).tone
    : INSTANCE_STATE.describe(state).tone

/** Returns what is true of an instance in words: `running, partial`. */
export const markWords = ({ state, health }: Pick<InstanceMark, 'state' | 'health'>): string =>
  state === 'running' ? `${instanceWord(state)}, ${healthWord(health)}` : instanceWord(state)

export const ServiceBadge = ({ state, reason }: { state: ServiceState; reason?: string | null }) => (
  <StateSign
    state={state}
    descriptor={SERVICE_STATE.describe(state)}
    word={t(`services.state.${state}`)}
    reason={reason}
  />
)

/** Shows state and health of an instance; health only where something is known of it. */
export const InstanceBadge = ({
  state,
  health,
  reason,
}: Pick<InstanceMark, 'state' | 'health' | 'reason'>) => (
  <>
    <StateSign
      state={state}
      descriptor={INSTANCE_STATE.describe(state)}
      word={instanceWord(state)}
      reason={reason}
    />{' '}
    {health !== 'unknown' && (
      <StateSign
        state={health}
        descriptor={INSTANCE_HEALTH.describe(health)}
        word={healthWord(health)}
        reason={reason}
      />
    )}
  </>
)
