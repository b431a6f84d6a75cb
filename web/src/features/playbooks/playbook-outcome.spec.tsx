// @vitest-environment happy-dom
import {
  type PlaybookHost,
  type PlaybookRunView,
  RUN_STATE,
  type RunPlaybookView,
  TASK_STATUS,
} from '@rollcall/contracts/admin'
import { expect, it } from 'vitest'
import { draw, serve } from '../../testing/draw.tsx'
import { PlaybookOutcome } from './playbook-outcome.tsx'

const PLAN = '00000000-0000-4000-8000-000000000001'
const APPLIED = '00000000-0000-4000-8000-000000000002'

const zero = <Name extends string>(names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>

const planned: PlaybookHost = {
  commandId: '00000000-0000-4000-8000-000000000003',
  host: 'web-1',
  state: 'success',
  reason: null,
  way: 'ssh',
  totals: { ...zero(TASK_STATUS.names), changed: 1 },
  digest: 'a'.repeat(64),
}

function toView({ id, mode, planId, appliedBy }: RunPlaybookView & { id: string }): PlaybookRunView {
  const at = '2026-11-30T10:00:00.000Z'
  return {
    run: {
      id,
      program: 'ansible-playbook',
      args: [],
      cwd: '/',
      timeoutMs: 1000,
      target: { by: 'all', labels: [] },
      limits: null,
      playbook: { name: 'web', mode, planId, appliedBy },
      requestedBy: 'Ada',
      savedCommand: null,
      schedule: null,
      createdAt: at,
      endedAt: at,
      cancelRequested: false,
      stoppedAt: null,
      total: 1,
      counts: { ...zero(RUN_STATE.names), success: 1 },
      skipped: [],
    },
    playbook: 'web',
    version: null,
    mode,
    via: 'auto',
    planId,
    variables: [],
    hosts: [planned],
  }
}

/** Draws the outcome of a run of one host. */
async function outcome(id: string, run: Omit<RunPlaybookView, 'name'>) {
  serve({
    [`GET /api/runs/${id}/playbook`]: () => toView({ id, name: 'web', ...run }),
    [`GET /api/commands/${planned.commandId}/tasks`]: () => ({ tasks: [] }),
  })
  return draw(<PlaybookOutcome runId={id} />, ['playbooks:run'])
}

it('a plan that was applied leads to the run that applied it, and is not offered again', async () => {
  const { screen } = await outcome(PLAN, { mode: 'plan', planId: null, appliedBy: APPLIED })
  const link = await screen.findByText('View the run that applied it')
  expect(link.getAttribute('href')).toBe(`/runs/${APPLIED}`)
  expect(screen.queryByRole('button', { name: 'Apply plan' })).toBeNull()
})

it('a plan that would change a host and was not applied is offered', async () => {
  const { screen } = await outcome(PLAN, { mode: 'plan', planId: null, appliedBy: null })
  expect(await screen.findByRole('button', { name: 'Apply plan' })).toBeTruthy()
})

it('a run that applies a plan leads to the plan, and offers nothing to apply', async () => {
  const { screen } = await outcome(APPLIED, { mode: 'apply', planId: PLAN, appliedBy: null })
  const link = await screen.findByText('View the plan')
  expect(link.getAttribute('href')).toBe(`/runs/${PLAN}`)
  expect(screen.queryByRole('button', { name: 'Apply plan' })).toBeNull()
})
