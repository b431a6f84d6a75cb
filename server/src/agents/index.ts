export { AgentsModule } from './agents.module.ts'
export { type AgentIdentity, AgentsRepository } from './agents.repository.ts'
export { AgentsService } from './agents.service.ts'
export { newCredentials } from './domain/credentials.ts'
