/**
 * Reuses buffers of one size. New buffers of a megabyte count as external memory in V8 and trigger full collections,
 * which cost a third of the CPU time of sending files.
 */
export class BufferPool {
  private readonly free: Buffer[] = []

  constructor(
    private readonly bytes: number,
    /** The number of idle buffers to keep. */
    private readonly maxFree: number,
  ) {}

  /** Returns a buffer, which may hold old content. */
  acquire(): Buffer {
    return this.free.pop() ?? Buffer.allocUnsafeSlow(this.bytes)
  }

  /** Returns a buffer that is no longer read to the pool. */
  release(buffer: Buffer): void {
    if (this.free.length < this.maxFree) this.free.push(buffer)
  }
}
