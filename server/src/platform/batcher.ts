import { isDatabaseAway } from './prisma/database-errors.ts'

interface PendingItem<I, O> {
  item: I
  resolve(result: O): void
  reject(error: unknown): void
}

/** Returns for each item whether the combined statement returned a row for it. */
export function toMatches(items: readonly { id: string }[], rows: readonly { id: string }[]): boolean[] {
  const matched = new Set(rows.map(({ id }) => id))
  return items.map(({ id }) => matched.has(id))
}

/**
 * Combines items that arrive while others are being processed, because a thousand single statements take a second and
 * ten combined ones almost nothing. A single item is processed at once.
 */
export class Batcher<I, O> {
  private waiting: PendingItem<I, O>[] = []
  private running = 0

  constructor(
    /** Processes all items or none, and resolves to their results in order. */
    private readonly work: (items: I[]) => Promise<O[]>,
    private readonly limits = { size: 250, maxConcurrent: 2 },
  ) {}

  add(item: I): Promise<O> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject })
      // Combines items added in the same turn of the event loop.
      if (this.waiting.length === 1) setImmediate(() => this.begin())
    })
  }

  private begin(): void {
    while (this.waiting.length > 0 && this.running < this.limits.maxConcurrent) {
      this.running++
      void this.run(this.waiting.splice(0, this.limits.size))
    }
  }

  private async run(batch: PendingItem<I, O>[]): Promise<void> {
    try {
      const results = await this.work(batch.map(({ item }) => item))
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as O)
    } catch (error) {
      await this.runIndividually(batch, error)
    } finally {
      this.running--
      this.begin()
    }
  }

  /**
   * Processes the items of a failed batch one by one, so that an invalid item does not fail the others. If the database
   * is unavailable, all fail at once.
   */
  private async runIndividually(batch: PendingItem<I, O>[], error: unknown): Promise<void> {
    if (batch.length === 1 || isDatabaseAway(error)) {
      for (const { reject } of batch) reject(error)
      return
    }
    for (const { item, resolve, reject } of batch)
      await this.work([item]).then(([result]) => resolve(result as O), reject)
  }
}
