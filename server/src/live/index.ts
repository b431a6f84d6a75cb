export { LiveGateway } from './live.gateway.ts'
export { LiveModule } from './live.module.ts'
