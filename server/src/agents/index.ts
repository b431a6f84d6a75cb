export { AgentsModule } from './agents.module.ts'
export { AgentsRepository } from './agents.repository.ts'
export { AgentsService, type CallOptions } from './agents.service.ts'
export type { AgentCredentials, AgentIdentity, AgentPortChange } from './domain/credentials.ts'
export {
  ASSIGN_CREDENTIALS,
  credentialColumns,
  credentialValues,
  newCredentials,
  openCredentials,
  type SealedCredentials,
  sealCredentials,
} from './sealed-credentials.ts'
