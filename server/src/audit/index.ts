export { aboutOf } from './audit.interceptor.ts'
export { AuditModule } from './audit.module.ts'
export { AuditLog } from './audit-log.ts'
