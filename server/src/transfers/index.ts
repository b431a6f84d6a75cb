export { TransferEvents } from './transfer-events.ts'
export { TransfersModule } from './transfers.module.ts'
export { TransfersService } from './transfers.service.ts'
