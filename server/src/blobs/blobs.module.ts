import { Module } from '@nestjs/common'
import type { Config } from '../platform/config/config.ts'
import { DataDir } from '../platform/config/data-dir.ts'
import { CONFIG } from '../platform/tokens.ts'
import { BlobStore } from './blob-store.ts'

@Module({
  providers: [
    {
      provide: BlobStore,
      inject: [DataDir, CONFIG],
      useFactory: (dataDir: DataDir, { filesBytes }: Config) =>
        new BlobStore(dataDir.file('files'), filesBytes),
    },
  ],
  exports: [BlobStore],
})
export class BlobsModule {}
