export { toReleaseName } from './installer.ts'
export { ProvisioningHandler } from './provisioning.handler.ts'
export { ProvisioningModule } from './provisioning.module.ts'
export { ProvisioningService } from './provisioning.service.ts'
