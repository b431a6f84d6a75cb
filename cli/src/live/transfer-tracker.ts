import type { LiveEvent, TransferProgress, TransferView } from '@rollcall/contracts/admin'
import { type Attended, type AttendSettings, attend, refusalIn } from './attend.ts'
import type { LiveConnection } from './live-connection.ts'

export type OnTransfer = (transfer: TransferView, hosts: readonly TransferProgress[]) => void

/** Follows a transfer of files to its end. */
export class TransferTracker implements Attended {
  private readonly transferId: string
  private readonly onProgress: OnTransfer
  private readonly settings: AttendSettings
  private readonly hosts = new Map<string, TransferProgress>()
  private hasEnded = false

  constructor(transferId: string, onProgress: OnTransfer, settings: AttendSettings) {
    this.transferId = transferId
    this.onProgress = onProgress
    this.settings = settings
  }

  /** Resolves when the transfer has ended. Throws `ApiError` when following was refused, `UnreachableError` when the server stayed silent. */
  run(): Promise<void> {
    return attend(this, this.settings)
  }

  get isDone(): boolean {
    return this.hasEnded
  }

  ask(connection: LiveConnection): void {
    connection.send({ type: 'follow-transfer', transferId: this.transferId })
  }

  take(event: LiveEvent): boolean {
    if (event.type === 'error') {
      const error = refusalIn(event)
      if (error) throw error
      return false
    }
    if (event.type === 'transfer' && event.transfer.id === this.transferId) {
      for (const host of event.hosts) this.hosts.set(host.host, host)
      this.onProgress(event.transfer, [...this.hosts.values()])
    }
    if (event.type === 'transfer-end' && event.transfer.id === this.transferId) this.hasEnded = true
    return true
  }
}
