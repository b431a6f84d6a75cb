import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { addServiceCheckCommand } from './service/check.ts'

export function addCommands(program: Command, context: Context): void {
  const service = program.command('service').description('check Compose files of services')
  addServiceCheckCommand(service, context)
}
