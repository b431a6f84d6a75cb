export type { SecretUse } from './domain/secret.ts'
export { SecretUses } from './secret-uses.ts'
export { SecretsModule } from './secrets.module.ts'
export { SecretsService } from './secrets.service.ts'
