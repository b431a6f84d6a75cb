import { fileURLToPath } from 'node:url'
import { Module } from '@nestjs/common'
import type { Config } from '../platform/config/config.ts'
import { DataDir } from '../platform/config/data-dir.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { CONFIG } from '../platform/tokens.ts'
import { Artifacts } from './artifacts.ts'
import { ReleaseKeysRepository } from './release-keys.repository.ts'
import { ReleaseKeys } from './release-keys.ts'

/** The folder in which the build leaves the agent's archives; the path is right from `src` and from `dist`. */
const AGENT_FOLDER = fileURLToPath(new URL('../../../agent/dist', import.meta.url))

@Module({
  providers: [
    ReleaseKeysRepository,
    {
      provide: Artifacts,
      inject: [DataDir, CONFIG],
      useFactory: (dataDir: DataDir, { agentFolder, ansibleBundle, isAnsiblePlain }: Config) =>
        new Artifacts(agentFolder ?? AGENT_FOLDER, ansibleBundle, dataDir.file('releases'), isAnsiblePlain),
    },
    {
      provide: ReleaseKeys,
      inject: [ReleaseKeysRepository, Sealer, CONFIG],
      useFactory: (rows: ReleaseKeysRepository, sealer: Sealer, { releaseKeys }: Config) =>
        ReleaseKeys.open(rows, sealer, releaseKeys),
    },
  ],
  exports: [Artifacts, ReleaseKeys],
})
export class ArtifactsModule {}
