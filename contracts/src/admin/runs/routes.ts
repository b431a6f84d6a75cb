import { z } from 'zod'
import { defineRoute, idParam } from '../route.ts'
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

/** Runs: one program or playbook on many hosts. */
export const RUNS_ROUTES = {
  run: defineRoute('POST', '/api/runs', {
    summary:
      'Runs a program on hosts. Once this is answered, the commands survive anything but the loss of the database.',
    access: 'commands:run',
    scope: 'filtered',
    audit: 'always',
    status: 202,
    body: newRun,
    response: runAccepted,
  }),
  previewTarget: defineRoute('POST', '/api/target-previews', {
    summary:
      'Returns the hosts that a target selects now, and those that match but would be skipped. Nothing is started or stored.',
    access: 'hosts:read',
    scope: 'filtered',
    audit: 'refusals',
    body: targetPreviewRequest,
    response: targetPreview,
  }),
  listRuns: defineRoute('GET', '/api/runs', {
    summary: 'Lists runs of programs and playbooks, newest first.',
    access: 'commands:read',
    scope: { filtered: { run: 'query.before' } },
    audit: 'refusals',
    query: runQuery,
    response: z.strictObject({ runs: z.array(runView) }),
  }),
  showRun: defineRoute('GET', '/api/runs/:id', {
    summary: 'Returns one run with its hosts counted by state. Follow it live on /ws.',
    access: 'commands:read',
    scope: { run: 'params.id' },
    audit: 'refusals',
    params: idParam,
    response: z.strictObject({ run: runView }),
  }),
  showRunOrder: defineRoute('GET', '/api/runs/:id/order', {
    summary:
      'Returns the request of a run, so that it can be repeated, with only the names of its environment variables.',
    access: 'commands:read',
    scope: { run: 'params.id' },
    audit: 'refusals',
    params: idParam,
    response: z.strictObject({ order: runOrder }),
  }),
  summarizeRun: defineRoute('GET', '/api/runs/:id/summary', {
    summary:
      'Returns the hosts of a run grouped by equal outcome and output, the largest group first, each with the first 4 KiB of its output.',
    access: 'commands:read',
    scope: { run: 'params.id' },
    audit: 'refusals',
    params: idParam,
    response: runSummary,
  }),
  cancelRun: defineRoute('POST', '/api/runs/:id/cancel', {
    summary: 'Cancels every command of a run. Those that have ended are left alone.',
    access: 'commands:run',
    scope: { run: 'params.id' },
    audit: 'always',
    status: 202,
    params: idParam,
    response: z.strictObject({ run: runView }),
  }),
} as const
