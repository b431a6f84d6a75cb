export { SshTools } from './ssh-tools.ts'
export { ToolsModule } from './tools.module.ts'
export { ToolsService } from './tools.service.ts'
