import { z } from 'zod'
import { uuid } from '../../text.ts'
import { defineRoute } from '../route.ts'
import {
  newRun,
  runAccepted,
  runOrder,
  runQuery,
  runSummary,
  runView,
  targetPreview,
  targetPreviewRequest,
} from './schemas.ts'

const runParam = z.strictObject({ id: uuid })

/** Runs: one program or playbook on many hosts. */
export const RUNS_ROUTES = {
  run: defineRoute({
    method: 'POST',
    path: '/api/runs',
    summary:
      'Runs a program on hosts. Once this has answered, the commands survive anything but the loss of the database.',
    access: 'commands:run',
    scope: 'filtered',
    audit: 'always',
    status: 202,
    body: newRun,
    response: runAccepted,
  }),
  previewTarget: defineRoute({
    method: 'POST',
    path: '/api/target-previews',
    summary:
      'The hosts that a run would be for now, and those that fit and would be left out. Nothing is begun or stored.',
    access: 'hosts:read',
    scope: 'filtered',
    audit: 'refusals',
    body: targetPreviewRequest,
    response: targetPreview,
  }),
  listRuns: defineRoute({
    method: 'GET',
    path: '/api/runs',
    summary: 'Runs of programs and playbooks, newest first.',
    access: 'commands:read',
    scope: { filtered: { run: 'query.before' } },
    audit: 'refusals',
    query: runQuery,
    response: z.strictObject({ runs: z.array(runView) }),
  }),
  showRun: defineRoute({
    method: 'GET',
    path: '/api/runs/:id',
    summary: 'One run, with how many of its hosts are in which state. Follow it live on /ws.',
    access: 'commands:read',
    scope: { run: 'params.id' },
    audit: 'refusals',
    params: runParam,
    response: z.strictObject({ run: runView }),
  }),
  showRunOrder: defineRoute({
    method: 'GET',
    path: '/api/runs/:id/order',
    summary:
      'What a run was asked for, so that it can be asked for again. Of its environment the names only.',
    access: 'commands:read',
    scope: { run: 'params.id' },
    audit: 'refusals',
    params: runParam,
    response: z.strictObject({ order: runOrder }),
  }),
  summarizeRun: defineRoute({
    method: 'GET',
    path: '/api/runs/:id/summary',
    summary: 'The hosts of a run, grouped by equal outcome and output, the largest group first.',
    access: 'commands:read',
    scope: { run: 'params.id' },
    audit: 'refusals',
    params: runParam,
    response: runSummary,
  }),
  cancelRun: defineRoute({
    method: 'POST',
    path: '/api/runs/:id/cancel',
    summary: 'Asks every command of a run to end. Those that have ended stay as they are.',
    access: 'commands:run',
    scope: { run: 'params.id' },
    audit: 'always',
    status: 202,
    params: runParam,
    response: z.strictObject({ run: runView }),
  }),
} as const
