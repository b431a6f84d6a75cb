export type { KnownIdentity } from './domain/server-identity.ts'
export { IdentitiesModule } from './identities.module.ts'
export { IdentitiesRepository } from './identities.repository.ts'
export { ServerIdentities } from './server-identities.ts'
