export { SshTools } from './ssh-tools.ts'
export { ToolsModule } from './tools.module.ts'
export { type HostTools, ToolsService } from './tools.service.ts'
