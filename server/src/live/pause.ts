/** A pause that ends early once its condition holds. */
export class Pause {
  private check: (() => void) | undefined

  /** Has the condition of the pause under way checked again. */
  interrupt(): void {
    this.check?.()
  }

  /** Resolves after `ms`, or when `isOver` returns true at an interruption or at once. */
  async wait(ms: number, isOver: () => boolean): Promise<void> {
    if (isOver()) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.check = () => {
        if (!isOver()) return
        clearTimeout(timer)
        resolve()
      }
    })
    this.check = undefined
  }
}
