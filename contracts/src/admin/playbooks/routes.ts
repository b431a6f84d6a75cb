import { z } from 'zod'
import { collectionName } from '../../agent/playbooks.ts'
import { neverAnId, uuid } from '../../text.ts'
import { defineRoute, idParam } from '../route.ts'
import { runAccepted } from '../runs/schemas.ts'
import { runLimits } from '../targets.ts'
import { collectionLabels, collectionSource, collectionView } from './collections.ts'
import {
  newPlaybookRun,
  playbookName,
  playbookRunView,
  playbookView,
  taskResult,
  taskTotals,
} from './schemas.ts'

const collectionParam = z.strictObject({ name: collectionName })
const playbookParam = z.strictObject({ playbook: playbookName })

/** Playbooks, their runs, and collections of one's own. */
export const PLAYBOOKS_ROUTES = {
  listPlaybooks: defineRoute('GET', '/api/playbooks', {
    summary: 'Lists playbooks by name.',
    access: 'playbooks:read',
    scope: 'filtered',
    audit: 'refusals',
    response: z.strictObject({ playbooks: z.array(playbookView) }),
  }),
  showPlaybook: defineRoute('GET', '/api/playbooks/:playbook', {
    summary: 'Returns a playbook with its variables.',
    access: 'playbooks:read',
    scope: 'filtered',
    audit: 'refusals',
    params: playbookParam,
    response: z.strictObject({ playbook: playbookView }),
  }),
  runPlaybook: defineRoute('POST', '/api/playbooks/:playbook/run', {
    summary: 'Runs a playbook on hosts, or plans it. Variables are checked before any host is touched.',
    access: 'playbooks:run',
    scope: 'filtered',
    audit: 'always',
    status: 202,
    params: playbookParam,
    body: newPlaybookRun,
    response: runAccepted,
  }),
  showPlaybookRun: defineRoute('GET', '/api/runs/:id/playbook', {
    summary: 'Returns a run of a playbook with the outcome on each host.',
    access: 'playbooks:read',
    scope: { run: 'params.id' },
    audit: 'refusals',
    params: idParam,
    response: playbookRunView,
  }),
  applyPlan: defineRoute('POST', '/api/runs/:id/apply', {
    summary:
      'Applies a plan to the hosts on which it succeeded. A host whose changes would differ by now is left alone: playbook.plan_outdated.',
    access: 'playbooks:run',
    scope: { run: 'params.id' },
    audit: 'always',
    status: 202,
    params: idParam,
    body: z.strictObject({ runId: uuid.optional(), limits: runLimits.optional() }),
    response: runAccepted,
  }),
  showPlaybookTasks: defineRoute('GET', '/api/commands/:id/tasks', {
    summary: 'Returns the outcome of each task of a playbook on one host so far.',
    access: 'playbooks:read',
    scope: { command: 'params.id' },
    audit: 'refusals',
    params: idParam,
    response: z.strictObject({
      totals: taskTotals.nullable(),
      tasks: z.array(taskResult),
      /** Results beyond the bounds, which were counted only. */
      omitted: z.int().min(0),
    }),
  }),
  listCollections: defineRoute('GET', '/api/playbook-collections', {
    summary: "Lists collections of users' own playbooks by name.",
    access: 'playbooks:read',
    scope: 'filtered',
    audit: 'refusals',
    response: z.strictObject({ collections: z.array(collectionView) }),
  }),
  addCollection: defineRoute('POST', '/api/playbook-collections', {
    summary:
      'Adds a collection of playbooks, or a new version of it. Its content is checked first; errors name file and line.',
    access: 'playbooks:write',
    scope: 'whole-fleet',
    audit: 'always',
    status: 201,
    body: z.strictObject({
      name: neverAnId(collectionName),
      source: collectionSource,
      /** Fields that are left out stay. */
      labels: collectionLabels.optional(),
    }),
    response: z.strictObject({
      collection: collectionView,
      /** False where the version was in use already. */
      isNew: z.boolean(),
    }),
  }),
  removeCollection: defineRoute('DELETE', '/api/playbook-collections/:name', {
    summary:
      'Removes a collection, unless a service is made by it. Running playbooks continue; on hosts where they have not started they fail.',
    access: 'playbooks:write',
    scope: 'whole-fleet',
    audit: 'always',
    params: collectionParam,
    response: z.strictObject({}),
  }),
} as const
