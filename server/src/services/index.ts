export { InstancesModule } from './instances.module.ts'
export { ServicesModule } from './services.module.ts'
