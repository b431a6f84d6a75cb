import type { HostSample } from '@rollcall/contracts/admin'
import { type Command, Option } from 'commander'
import type { Context } from '../context.ts'
import { durationText } from '../input/duration.ts'
import { jsonOption } from '../options.ts'
import { jsonDocument } from '../output/json.ts'
import { moment } from '../output/measures.ts'
import { type Cell, sparkline, toCells } from '../output/sparkline.ts'
import { table } from '../output/table.ts'

const STEP_MS = { '5m': 300_000, '1h': 3_600_000 }
type Resolution = keyof typeof STEP_MS
/** Where the terminal does not tell its width. */
const USUAL_COLUMNS = 80

const HELP = `
5m is the last day in steps of five minutes, 1h the last week in steps of an hour. At a terminal it is drawn, and a gap is
a time without an answer; elsewhere it is a table of plain numbers, oldest first.`

interface Options {
  resolution: Resolution
  json?: boolean
}

export function addHostSamplesCommand(host: Command, context: Context): void {
  host
    .command('samples <name>')
    .description('CPU, memory and load of one host over the last day or week')
    .addOption(
      new Option('--resolution <step>', 'the steps that it is shown in')
        .choices(Object.keys(STEP_MS))
        .default('5m'),
    )
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((name: string, options: Options) => samples(context, name, options))
}

async function samples({ api, stdout }: Context, name: string, options: Options): Promise<void> {
  const { resolution, json } = options
  const answer = await api.call('hostSamples', { params: { host: name }, query: { resolution } })
  if (json) stdout.write(jsonDocument(answer))
  else if (answer.samples.length === 0)
    stdout.write('There are none yet: the first comes with the first answer of its agent.\n')
  else if (stdout.isTTY)
    stdout.write(drawing(answer.samples, STEP_MS[resolution], stdout.columns || USUAL_COLUMNS))
  else stdout.write(numbers(answer.samples))
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
    `\nFrom ${moment(all[0]?.at ?? '')} to ${moment(all.at(-1)?.at ?? '')}.`,
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
      moment(sample.at),
      sample.cpuPercent.toFixed(1),
      sample.cpuPeakPercent.toFixed(1),
      sample.memoryPercent.toFixed(1),
      sample.memoryPeakPercent.toFixed(1),
      sample.diskPeakPercent.toFixed(1),
      sample.load.toFixed(2),
    ]),
  )
