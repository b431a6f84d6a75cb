/** Samples of Prometheus' text format at one moment. */
export class MetricsPage {
  readonly #samples: { name: string; labels: string; value: number }[] = []

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line)
      const [, name, labels = '', value] = found ?? []
      if (name !== undefined) this.#samples.push({ name, labels, value: Number(value) })
    }
  }

  /** Of all label sets of a counter or gauge together. Throws when there is none: a figure of nothing is no figure. */
  sum(name: string): number {
    const samples = this.#samples.filter((sample) => sample.name === name)
    if (samples.length === 0) throw new Error(`the server's metrics have no ${name}`)
    return samples.reduce((total, { value }) => total + value, 0)
  }

  /** How many observations of a histogram were at most `le`, by `le` in ascending order. */
  buckets(name: string): Map<number, number> {
    const buckets = new Map<number, number>()
    for (const sample of this.#samples) {
      if (sample.name !== `${name}_bucket`) continue
      const le = /le="([^"]+)"/.exec(sample.labels)?.[1]
      const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)
      buckets.set(bound, (buckets.get(bound) ?? 0) + sample.value)
    }
    if (buckets.size === 0) throw new Error(`the server's metrics have no ${name}_bucket`)
    return new Map([...buckets].sort(([a], [b]) => a - b))
  }
}

/**
 * A quantile of what a histogram observed between two pages, as Prometheus' histogram_quantile has it: linear within the
 * bucket, and the highest finite bound when it lies beyond that.
 */
export function quantileBetween(
  before: MetricsPage,
  after: MetricsPage,
  name: string,
  share: number,
): number {
  const old = before.buckets(name)
  const counts = [...after.buckets(name)].map(([le, count]) => ({ le, count: count - (old.get(le) ?? 0) }))
  const total = counts.at(-1)?.count ?? 0
  if (total === 0) throw new Error(`nothing was observed of ${name}`)
  const rank = share * total
  let low = { le: 0, count: 0 }
  for (const bucket of counts) {
    if (bucket.count >= rank) {
      if (bucket.le === Number.POSITIVE_INFINITY) return low.le
      return low.le + ((bucket.le - low.le) * (rank - low.count)) / (bucket.count - low.count)
    }
    low = bucket
  }
  return low.le
}
