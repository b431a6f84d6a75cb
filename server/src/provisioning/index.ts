export { ProvisioningModule } from './provisioning.module.ts'
