import type { Context } from '../context.ts'
import type { AskingCommand } from '../output/answers.ts'
import { addServiceCheckCommand } from './service/check.ts'

export function addCommands(program: AskingCommand, context: Context): void {
  const service = program.command('service').description('check Compose files of services')
  addServiceCheckCommand(service, context)
}
