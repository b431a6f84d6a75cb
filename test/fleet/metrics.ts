import type { Api } from './api.ts'

/** `GET /metrics` at one moment. */
export class Metrics {
  readonly #values = new Map<string, number>()

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const [, series, value] = /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/.exec(line) ?? []
      if (series) this.#values.set(series, Number(value))
    }
  }

  static async of(api: Api): Promise<Metrics> {
    return new Metrics(await api.call('metrics'))
  }

  /** Returns the value of one series, such as `rollcall_agents{state="online"}`; 0 if it was never counted. */
  value(series: string): number {
    return this.#values.get(series) ?? 0
  }

  /**
   * The bound of the bucket of a histogram below which a share of what was observed since `before` lies: at least the
   * quantile, and no further above it than that bucket is wide.
   */
  quantileSince(before: Metrics, histogram: string, share: number): number {
    const observed = (series: string) => this.value(series) - before.value(series)
    const total = observed(`${histogram}_count`)
    if (total === 0) throw new Error(`nothing was observed of ${histogram}`)
    for (const series of this.#values.keys()) {
      const [, bound] = new RegExp(`^${histogram}_bucket\\{le="([^"]+)"\\}$`).exec(series) ?? []
      if (bound && observed(series) >= share * total) return bound === '+Inf' ? Infinity : Number(bound)
    }
    throw new Error(`${histogram} has no buckets`)
  }

  /** The same quantile, taken to lie within its bucket as if that were evenly filled: as Prometheus' histogram_quantile. */
  estimateSince(before: Metrics, histogram: string, share: number): number {
    const upper = this.quantileSince(before, histogram, share)
    const observed = (series: string) => this.value(series) - before.value(series)
    const bounds = [...this.#values.keys()]
      .map((series) => Number(new RegExp(`^${histogram}_bucket\\{le="([\\d.]+)"\\}$`).exec(series)?.[1]))
      .filter((bound) => bound < upper)
    const lower = Math.max(0, ...bounds)
    if (upper === Infinity) return lower
    const upTo = (bound: number) => observed(`${histogram}_bucket{le="${bound}"}`)
    const below = lower === 0 ? 0 : upTo(lower)
    const rank = share * observed(`${histogram}_count`)
    return lower + ((upper - lower) * (rank - below)) / (upTo(upper) - below)
  }
}
