export { ToolsModule } from './tools.module.ts'
export { type HostTools, ToolsService } from './tools.service.ts'
