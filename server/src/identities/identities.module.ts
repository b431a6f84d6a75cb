import { Module } from '@nestjs/common'
import { Sealer } from '../platform/crypto/sealer.ts'
import { IdentitiesRepository } from './identities.repository.ts'
import { ServerIdentities } from './server-identities.ts'

@Module({
  providers: [
    IdentitiesRepository,
    { provide: ServerIdentities, inject: [IdentitiesRepository, Sealer], useFactory: ServerIdentities.open },
  ],
  exports: [ServerIdentities],
})
export class IdentitiesModule {}
