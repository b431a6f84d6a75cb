import type { HostSample } from '@rollcall/contracts/admin'
import { Option } from 'commander'
import type { Context } from '../../context.ts'
import { durationText } from '../../options/duration.ts'
import type { AskingCommand } from '../../output/answers.ts'
import { formatMoment } from '../../output/format-measure.ts'
import { type Cell, sparkline, toCells } from '../../output/sparkline.ts'
import { table } from '../../output/table.ts'

const STEP_MS = { '5m': 300_000, '1h': 3_600_000 }
type Resolution = keyof typeof STEP_MS
/** Used if the terminal does not report its width. */
const DEFAULT_COLUMNS = 80

const HELP = `
5m shows the last day in steps of five minutes, 1h the last week in steps of an hour. A terminal shows a chart, in which gaps are
times without an answer; elsewhere it is a table of numbers, oldest first.`

export function addHostSamplesCommand(host: AskingCommand, context: Context): void {
  const { api, stdout } = context
  host
    .command('samples <name>')
    .description("show a host's CPU, memory and load over the last day or week")
    .addOption(
      new Option('--resolution <step>', 'interval between samples')
        .choices(Object.keys(STEP_MS))
        .default('5m'),
    )
    .addHelpText('after', HELP)
    .printsAnswer(
      (name: string, { resolution }: { resolution: Resolution }) =>
        api.call('hostSamples', { params: { host: name }, query: { resolution } }),
      ({ samples }, _name: string, { resolution }: { resolution: Resolution }) => {
        if (samples.length === 0)
          return "There are no samples yet: the first comes with the agent's first answer.\n"
        return stdout.isTTY
          ? drawing(samples, STEP_MS[resolution], stdout.columns || DEFAULT_COLUMNS)
          : numbers(samples)
      },
    )
}

const NAME_WIDTH = 8

/** Three lines of blocks, each with its figures, and the time below. */
function drawing(all: readonly HostSample[], stepMs: number, columns: number): string {
  const figures = [
    `now ${percent(all.at(-1)?.cpuPercent)}, peak ${percent(peak(all, 'cpuPeakPercent'))}`,
    `now ${percent(all.at(-1)?.memoryPercent)}, peak ${percent(peak(all, 'memoryPeakPercent'))}`,
    `now ${all.at(-1)?.load.toFixed(2)}, most ${peak(all, 'load').toFixed(2)}`,
  ]
  const room = columns - NAME_WIDTH - Math.max(...figures.map(({ length }) => length)) - 2
  const { cells, cellMs } = toCells(all, stepMs, Math.max(10, room))
  const line = (name: string, of: (cell: Cell) => number, most: number, figure: string | undefined) =>
    `${name.padEnd(NAME_WIDTH)}${sparkline(
      cells.map((cell) => cell && of(cell)),
      most,
    )}  ${figure}\n`
  return [
    line('CPU', ({ cpuPercent }) => cpuPercent, 100, figures[0]),
    line('Memory', ({ memoryPercent }) => memoryPercent, 100, figures[1]),
    line('Load', ({ load }) => load, peak(all, 'load'), figures[2]),
    `\nFrom ${formatMoment(all[0]?.at ?? '')} to ${formatMoment(all.at(-1)?.at ?? '')}.`,
    ` A block is ${durationText(cellMs)}; a full one is 100 %, of load the most.\n`,
  ].join('')
}

const peak = (samples: readonly HostSample[], of: 'cpuPeakPercent' | 'memoryPeakPercent' | 'load') =>
  Math.max(0, ...samples.map((sample) => sample[of]))

const percent = (value: number | undefined) => `${Math.round(value ?? 0)} %`

const numbers = (samples: readonly HostSample[]) =>
  table(
    ['AT', 'CPU_PERCENT', 'CPU_PEAK', 'MEMORY_PERCENT', 'MEMORY_PEAK', 'DISK_PEAK', 'LOAD'],
    samples.map((sample) => [
      formatMoment(sample.at),
      sample.cpuPercent.toFixed(1),
      sample.cpuPeakPercent.toFixed(1),
      sample.memoryPercent.toFixed(1),
      sample.memoryPeakPercent.toFixed(1),
      sample.diskPeakPercent.toFixed(1),
      sample.load.toFixed(2),
    ]),
  )
