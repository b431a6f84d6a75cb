import type { AdminResponse, ServicePlanView } from '@rollcall/contracts/admin'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { jsonOption } from '../../options/parsers.ts'
import type { AskingCommand } from '../../output/answers.ts'
import { jsonDocument } from '../../output/json.ts'
import { faultReport, planReport } from '../../output/plan-report.ts'
import { addPlanOptions, type PlanOptions, toPlanRequest } from './file-options.ts'

interface Options extends PlanOptions {
  json?: boolean
}

const HELP = `
FILE is a Compose file; "-" is standard input. The server reads it and says what applying it would do: per service whether it
is new (+), changed (~), unchanged (=), removed (-) or left behind (?), field by field, and where each instance would go.
Nothing is changed. A service that is not in the file any more stays unless --prune is given, and its volumes stay unless
--with-volumes names them.

Exit codes: 0 for a plan, 1 if the file is refused.

Examples:
  rollcall service plan compose.yml
  rollcall service plan compose.yml --set TAG=2.4 --env DB_PASSWORD
  rollcall service plan compose.yml --prune --with-volumes shop_cache`

export function addServicePlanCommand(service: AskingCommand, context: Context): void {
  addPlanOptions(
    service.command('plan <file>').description('show what applying a Compose file would do, and where'),
    context,
  )
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async (file: string, options: Options) => {
      const answer = await askForPlan(context, file, options)
      if (options.json) context.stdout.write(jsonDocument(answer))
      const plan = requirePlan(context, file, answer, options.json)
      if (options.json) return
      context.stdout.write(planReport(plan, answer.keys))
      if (hasWork(plan)) context.notice(`apply it: rollcall service apply ${plan.id}`)
    })
}

export const askForPlan = async (context: Context, file: string, options: PlanOptions) =>
  context.api.call('planServices', { body: await toPlanRequest(context, file, options) })

/** Returns the plan. Throws `CliError` for a file that is refused, after showing every fault. */
export function requirePlan(
  { stdout }: Context,
  file: string,
  { plan, faults }: AdminResponse<'planServices'>,
  isJson = false,
): ServicePlanView {
  if (plan) return plan
  if (!isJson) stdout.write(faultReport(file, faults))
  throw new CliError(
    `${file} is refused: ${faults.length === 1 ? 'one fault' : `${faults.length} faults`}, listed above.`,
    { code: faults[0]?.code ?? 'service.invalid' },
  )
}

/** Tells whether applying a plan would change anything. */
export const hasWork = ({ services }: ServicePlanView): boolean =>
  services.some(({ action }) => action !== 'unchanged' && action !== 'left_behind')
