export { AccessModule } from './access.module.ts'
export { ApiKeyName } from './api-key-name.ts'
export { ApiKeysService } from './api-keys.service.ts'
