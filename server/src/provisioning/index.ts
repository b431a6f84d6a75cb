export { ProvisioningModule } from './provisioning.module.ts'
export { ProvisioningService } from './provisioning.service.ts'
