export { specOf } from './saved-command.ts'
export { SavedCommandsModule } from './saved-commands.module.ts'
export { SavedCommandsRepository } from './saved-commands.repository.ts'
export { SavedCommandsService } from './saved-commands.service.ts'
