import { hasUuidForm } from '@rollcall/contracts'
import type { ServicePlanApplied, ServiceView } from '@rollcall/contracts/admin'
import { poll } from '../../api/poll.ts'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { jsonOption } from '../../options/parsers.ts'
import type { AskingCommand } from '../../output/answers.ts'
import { jsonDocument } from '../../output/json.ts'
import { planReport } from '../../output/plan-report.ts'
import { addPlanOptions, type PlanOptions } from './file-options.ts'
import { askForPlan, hasWork, requirePlan } from './plan.ts'

interface Options extends PlanOptions {
  wait?: boolean
  json?: boolean
}

const HELP = `
With the id of a plan, exactly that plan is applied. With a file, it is planned, shown and applied. A plan that would do
something else by now, because hosts, images, secrets or services have changed, is refused: service.plan_outdated. The same
plan applied again changes nothing.

Examples:
  rollcall service apply 3f2a9c1b-0000-4000-8000-000000000001
  rollcall service apply compose.yml --wait`

export function addServiceApplyCommand(service: AskingCommand, context: Context): void {
  addPlanOptions(
    service
      .command('apply <file|plan-id>')
      .description('apply a plan, or plan a Compose file and apply that'),
    context,
  )
    .option('--wait', 'wait until every service has settled; exits with 1 unless all are healthy')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async (subject: string, options: Options) => {
      const applied = await apply(context, subject, options)
      if (!applied) return
      if (options.json) context.stdout.write(jsonDocument(applied))
      else for (const one of applied.services) context.notice(toNotice(applied.project, one))
      if (options.wait) await waitFor(context, applied)
    })
}

/** Applies what was asked for. Returns null where a file is already as it says. */
async function apply(
  context: Context,
  subject: string,
  options: Options,
): Promise<ServicePlanApplied | null> {
  const { api, stdout } = context
  if (hasUuidForm(subject)) return api.call('applyServicePlan', { params: { id: subject } })
  const answer = await askForPlan(context, subject, options)
  const plan = requirePlan(context, subject, answer, options.json)
  if (!options.json) stdout.write(planReport(plan, answer.keys))
  if (hasWork(plan)) return api.call('applyServicePlan', { params: { id: plan.id } })
  if (options.json) stdout.write(jsonDocument({ planId: plan.id, project: plan.project, services: [] }))
  else context.notice('everything is as the file says already')
  return null
}

const toNotice = (project: string, { name, action, revision }: ServicePlanApplied['services'][number]) =>
  `${project}/${name}: ${action}${revision === null ? '' : `, revision ${revision}`}`

/** Polls until nothing is under way any more. Throws `CliError` unless all are healthy. */
async function waitFor({ api, notice }: Context, { project, services }: ServicePlanApplied): Promise<void> {
  const ids = new Set(services.filter(({ action }) => action !== 'removed').map(({ id }) => id))
  const { services: ended } = await poll(
    () => api.call('listServices', { query: { project } }),
    (shown) => shown.services.every(({ id, state }) => !ids.has(id) || state !== 'deploying'),
  )
  const own = ended.filter(({ id }) => ids.has(id))
  for (const { name, state } of own) notice(`${project}/${name}: ${state}`)
  // One without instances has nothing that could be healthy.
  const ill = own.filter(({ state, replicas }: ServiceView) => state !== 'healthy' && replicas !== 0)
  if (ill.length > 0)
    throw new CliError(
      `Not healthy: ${ill.map(({ name }) => name).join(', ')}. Look at: rollcall service show ${project}/${ill[0]?.name}`,
    )
}
