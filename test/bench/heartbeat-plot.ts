import type { Figure, Plot } from './figure.ts'
import { curvePlot } from './plot.ts'

const NAME = /^heartbeat\.cpu_us\.(\d+)$/

/** Processor time of one heartbeat over the size of the fleet. */
export function heartbeatPlots(figures: readonly Figure[]): Plot[] {
  const steps = figures.flatMap((figure) => {
    const agents = NAME.exec(figure.name)?.[1]
    return agents === undefined ? [] : [{ x: Number(agents), own: figure.value, bare: figure.peerValue }]
  })
  const points = (of: 'own' | 'bare') => steps.flatMap(({ x, [of]: y }) => (y === null ? [] : [{ x, y }]))
  if (points('own').length < 2) return []
  const svg = curvePlot('Processor time of one heartbeat', 'agents', 'µs', [
    { label: 'Rollcall', points: points('own'), isOurs: true },
    { label: 'bare undici loop', points: points('bare'), isOurs: false },
  ])
  return [{ file: 'heartbeat.svg', svg }]
}
