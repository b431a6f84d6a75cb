import { Inject, Injectable } from '@nestjs/common'
import {
  Counter,
  type CounterConfiguration,
  collectDefaultMetrics,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  type HistogramConfiguration,
  Registry,
} from 'prom-client'
import { LOGGER, type Logger } from '../log.ts'

interface StateGauge<S extends string> {
  name: string
  help: string
  states: readonly S[]
  count: () => Partial<Record<S, number>> | Promise<Partial<Record<S, number>>>
}

type Named<T> = Omit<T, 'registers'>

/**
 * Collects the metrics of this process for Prometheus. Every label has a bounded set of values, such as states and
 * codes, and never a host name.
 */
@Injectable()
export class Metrics {
  private readonly registry = new Registry()

  constructor(@Inject(LOGGER) private readonly log: Logger) {
    collectDefaultMetrics({ register: this.registry })
  }

  counter<L extends string>(configuration: Named<CounterConfiguration<L>>): Counter<L> {
    return new Counter({ ...configuration, registers: [this.registry] })
  }

  gauge<L extends string>(configuration: Named<GaugeConfiguration<L>>): Gauge<L> {
    return new Gauge({ ...configuration, registers: [this.registry] })
  }

  histogram<L extends string>(configuration: Named<HistogramConfiguration<L>>): Histogram<L> {
    return new Histogram({ ...configuration, registers: [this.registry] })
  }

  /**
   * Registers a gauge with a value per state, counted on each scrape. If counting fails, only this gauge is missing.
   */
  states<S extends string>({ name, help, states, count }: StateGauge<S>): void {
    const { log } = this
    new Gauge({
      name,
      help,
      labelNames: ['state'] as const,
      registers: [this.registry],
      async collect() {
        this.reset()
        try {
          const counts = await count()
          for (const state of states) this.set({ state }, counts[state] ?? 0)
        } catch (error) {
          log.warn({ err: error }, `failed to count ${name}`)
        }
      },
    })
  }

  /** Returns all metrics in Prometheus text format. */
  text(): Promise<string> {
    return this.registry.metrics()
  }
}
