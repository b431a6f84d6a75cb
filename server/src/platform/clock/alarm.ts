/** Ends a wait early. A ring while no one waits ends the next wait at once, so that no event is missed. */
export class Alarm {
  private isRung = false
  private wake: (() => void) | undefined

  ring(): void {
    this.isRung = true
    this.wake?.()
  }

  /** Waits for a ring, `ms` milliseconds or `signal`, whichever comes first; resolves to whether it rang. */
  async wait(ms: number, signal?: AbortSignal): Promise<boolean> {
    if (!this.isRung && !signal?.aborted)
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', done)
          this.wake = undefined
          resolve()
        }
        const timer = setTimeout(done, ms)
        signal?.addEventListener('abort', done)
        this.wake = done
      })
    const hasRung = this.isRung
    this.isRung = false
    return hasRung
  }
}
