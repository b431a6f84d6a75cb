export { AgentsModule } from './agents.module.ts'
export { type AgentIdentity, type AgentPortChange, AgentsRepository } from './agents.repository.ts'
export { AgentsService, type CallOptions } from './agents.service.ts'
export { newCredentials } from './domain/credentials.ts'
