import type { Figure, Plot } from './figure.ts'
import { PEER_TOOLS } from './peer-tools.ts'
import { type Bar, barPlot } from './plot.ts'

/** `true` on a hundred hosts by every tool. Needs the figures of `fanout` and of `peers` of one run. */
export function fanoutPlots(figures: readonly Figure[]): Plot[] {
  const value = (name: string) => figures.find((figure) => figure.name === name)?.value ?? null
  const bar = (label: string, prefix: string, isOurs: boolean): Bar => ({
    label,
    isOurs,
    values: [value(`${prefix}.100.warm_s`), value(`${prefix}.100.cold_s`)],
  })
  const ours = bar('Rollcall', 'fanout', true)
  const theirs = PEER_TOOLS.map(({ label, name }) => bar(label, `peers.${name}`, false))
  const measured = theirs.filter(({ values }) => values[0] !== null)
  if (ours.values[0] === null || measured.length === 0) return []
  const title = '“true” on 100 hosts, connections open (warm) and not (cold)'
  return [{ file: 'fanout.svg', svg: barPlot(title, 'seconds', ['warm', 'cold'], [ours, ...measured]) }]
}
