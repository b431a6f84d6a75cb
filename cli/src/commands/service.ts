import type { Context } from '../context.ts'
import type { AskingCommand } from '../output/answers.ts'
import { addServiceApplyCommand } from './service/apply.ts'
import { addServiceCheckCommand } from './service/check.ts'
import { addServiceExecCommand } from './service/exec.ts'
import { addServiceLogsCommand } from './service/logs.ts'
import { addServiceOperationCommands } from './service/operate.ts'
import { addServicePlanCommand } from './service/plan.ts'
import { addServiceViewCommands } from './service/show.ts'

export function addCommands(program: AskingCommand, context: Context): void {
  const service = program.command('service').description('plan and apply Compose files, and look at services')
  addServiceViewCommands(service, context)
  addServicePlanCommand(service, context)
  addServiceApplyCommand(service, context)
  addServiceCheckCommand(service, context)
  addServiceOperationCommands(service, context)
  addServiceLogsCommand(service, context)
  addServiceExecCommand(service, context)
}
