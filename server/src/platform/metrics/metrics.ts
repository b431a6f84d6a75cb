import { Injectable } from '@nestjs/common'
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

type Named<T> = Omit<T, 'registers'>

/**
 * What this process counts, for Prometheus. Every label has a bounded set of values: states, codes, names of parts; never
 * the name of a host.
 */
@Injectable()
export class Metrics {
  private readonly registry = new Registry()

  constructor() {
    collectDefaultMetrics({ register: this.registry })
  }

  counter<L extends string>(configuration: Named<CounterConfiguration<L>>): Counter<L> {
    return new Counter({ ...configuration, registers: [this.registry] })
  }

  histogram<L extends string>(configuration: Named<HistogramConfiguration<L>>): Histogram<L> {
    return new Histogram({ ...configuration, registers: [this.registry] })
  }

  /** With `collect` its value is looked up when it is asked for. */
  gauge<L extends string>(configuration: Named<GaugeConfiguration<L>>): Gauge<L> {
    return new Gauge({ ...configuration, registers: [this.registry] })
  }

  /** All of them in Prometheus' text format. */
  text(): Promise<string> {
    return this.registry.metrics()
  }
}
