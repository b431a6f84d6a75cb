import type { InstanceHealth, InstanceState } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { toServiceState } from './service-state.ts'

const RUNNING = { wanted: 'running', haltedAt: null, revision: 1 } as const

const instance = (
  state: InstanceState,
  health: InstanceHealth = 'success',
  runningRevision: number | null = 1,
) => ({
  state,
  health,
  wanted: 'running' as const,
  generation: 1,
  revision: 1,
  runningRevision,
})

describe('the state of a service', () => {
  it('a service is healthy while each instance runs well, and degraded once one does not', () => {
    expect(toServiceState(RUNNING, [instance('running'), instance('finished')])).toBe('healthy')
    expect(toServiceState(RUNNING, [instance('running'), instance('failed', 'unknown')])).toBe('degraded')
    expect(toServiceState(RUNNING, [instance('running', 'partial')])).toBe('degraded')
  })

  it('a service fails once none of its instances is well, or its change was stopped', () => {
    expect(toServiceState(RUNNING, [instance('failed'), instance('running', 'failed')])).toBe('failed')
    expect(toServiceState(RUNNING, [instance('unplaced', 'unknown', null)])).toBe('failed')
    expect(toServiceState({ ...RUNNING, haltedAt: new Date(0) }, [instance('running')])).toBe('failed')
  })

  it('a service is being deployed while an instance is on its way, or runs another revision than it is to', () => {
    expect(toServiceState(RUNNING, [instance('running'), instance('preparing')])).toBe('deploying')
    expect(toServiceState(RUNNING, [instance('running', 'success', 2)])).toBe('deploying')
  })

  it('a service that is stopped or removed says so, whatever its instances are', () => {
    const stopped = { ...instance('stopped'), wanted: 'stopped' as const }
    expect(toServiceState({ ...RUNNING, wanted: 'stopped' }, [stopped])).toBe('stopped')
    expect(toServiceState({ ...RUNNING, wanted: 'gone' }, [instance('running')])).toBe('removing')
    expect(toServiceState(RUNNING, [])).toBe('stopped')
  })
})
