import { isDatabaseAway } from './prisma/database-errors.ts'

interface Waiting<I, O> {
  item: I
  resolve(result: O): void
  reject(error: unknown): void
}

/** Tells of each item whether a statement that was made for all of them returned a row for it. */
export function toMatches(items: readonly { id: string }[], rows: readonly { id: string }[]): boolean[] {
  const matched = new Set(rows.map(({ id }) => id))
  return items.map(({ id }) => matched.has(id))
}

/**
 * Joins items that come while others are under way: a thousand single statements cost the server a second, ten for a
 * hundred each almost nothing. One that comes alone waits for nobody.
 */
export class Batcher<I, O> {
  private waiting: Waiting<I, O>[] = []
  private running = 0

  constructor(
    /** Does all items together or none, and resolves to their results in the same order. */
    private readonly work: (items: I[]) => Promise<O[]>,
    private readonly limits = { size: 250, atOnce: 2 },
  ) {}

  add(item: I): Promise<O> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject })
      // What comes in the same turn of the event loop goes together.
      if (this.waiting.length === 1) setImmediate(() => this.begin())
    })
  }

  private begin(): void {
    while (this.waiting.length > 0 && this.running < this.limits.atOnce) {
      this.running++
      void this.run(this.waiting.splice(0, this.limits.size))
    }
  }

  private async run(batch: Waiting<I, O>[]): Promise<void> {
    try {
      const results = await this.work(batch.map(({ item }) => item))
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as O)
    } catch (error) {
      await this.oneByOne(batch, error)
    } finally {
      this.running--
      this.begin()
    }
  }

  /**
   * One that cannot be done must not keep the others from being done. A database that is away would refuse each of them,
   * after a wait of its own: then all have failed.
   */
  private async oneByOne(batch: Waiting<I, O>[], error: unknown): Promise<void> {
    if (batch.length === 1 || isDatabaseAway(error)) {
      for (const { reject } of batch) reject(error)
      return
    }
    for (const { item, resolve, reject } of batch)
      await this.work([item]).then(([result]) => resolve(result as O), reject)
  }
}
