import { Module } from '@nestjs/common'
import { AccessModule } from '../access/index.ts'
import { BlobsModule } from '../blobs/index.ts'
import { FilesModule } from '../files/index.ts'
import { HostsModule } from '../hosts/index.ts'
import { RunsModule } from '../runs/index.ts'
import { AbandonedTransfersReconciler } from './abandoned-transfers.reconciler.ts'
import { HostFilesController } from './host-files.controller.ts'
import { TransferReconciler } from './transfer.reconciler.ts'
import { TransferContents } from './transfer-contents.ts'
import { TransferEvents } from './transfer-events.ts'

import { TransfersController } from './transfers.controller.ts'
import { TransfersRepository } from './transfers.repository.ts'
import { TransfersService } from './transfers.service.ts'
import { UnusedContentsReconciler } from './unused-contents.reconciler.ts'

@Module({
  imports: [AccessModule, BlobsModule, FilesModule, HostsModule, RunsModule],
  controllers: [HostFilesController, TransfersController],
  providers: [
    TransferContents,
    TransferEvents,
    TransferReconciler,
    AbandonedTransfersReconciler,
    TransfersRepository,
    TransfersService,
    UnusedContentsReconciler,
  ],
  exports: [TransferEvents, TransfersService],
})
export class TransfersModule {}
