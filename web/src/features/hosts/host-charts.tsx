import 'uplot/dist/uPlot.min.css'
import {
  Paper,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Text,
  Title,
  useComputedColorScheme,
} from '@mantine/core'
import type { HostSample } from '@rollcall/contracts/admin'
import { useEffect, useRef, useState } from 'react'
import Plot from 'uplot'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import { momentText, percentText } from '../../ui/format-values.ts'
import { blocks, ErrorState } from '../../ui/states.tsx'

const HEIGHT = 150
const SPAN_S = { '5m': 86_400, '1h': 7 * 86_400 }
const STEP_S = { '5m': 300, '1h': 3600 }

export default function HostCharts({ name }: { name: string }) {
  const [resolution, setResolution] = useState<'5m' | '1h'>('5m')
  const input = { params: { host: name }, query: { resolution } }
  const samples = useAnswer('hostSamples', input, { refetchInterval: 60_000 })
  if (blocks(samples)) return <ErrorState error={samples.error} />
  const all = samples.data?.samples ?? []
  return (
    <Stack gap="xs">
      <SegmentedControl
        size="xs"
        w="fit-content"
        value={resolution}
        onChange={(value) => setResolution(value as '5m' | '1h')}
        data={[
          { value: '5m', label: t('charts.day') },
          { value: '1h', label: t('charts.week') },
        ]}
      />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        {(['cpu', 'memory'] as const).map((measure) => (
          <Chart
            key={measure}
            measure={measure}
            samples={all}
            stepS={STEP_S[resolution]}
            spanS={SPAN_S[resolution]}
          />
        ))}
      </SimpleGrid>
    </Stack>
  )
}

interface ChartProps {
  measure: 'cpu' | 'memory'
  samples: HostSample[]
  stepS: number
  /** From the left to the right edge. */
  spanS: number
}

const DAY_S = 86_400

/** Along the foot of a chart: the time of the day, or of longer spans the day. */
function hourText(atS: number, spanS: number): string {
  const format: Intl.DateTimeFormatOptions =
    spanS <= DAY_S
      ? { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }
      : { weekday: 'short', day: 'numeric' }
  return new Intl.DateTimeFormat(document.documentElement.lang, format).format(new Date(atS * 1000))
}

/** A gap stays a gap: where nothing was heard, nothing is drawn. */
function Chart({ measure, samples, stepS, spanS }: ChartProps) {
  const title = t(`fleet.${measure}`)
  const place = useRef<HTMLDivElement>(null)
  const scheme = useComputedColorScheme('light')
  useEffect(() => {
    const element = place.current
    if (!element || samples.length === 0) return
    const ink = scheme === 'dark' ? '#a6adb8' : '#5a6270'
    const grid = { stroke: scheme === 'dark' ? '#343a40' : '#e9ecef', width: 1 }
    const axis = { stroke: ink, grid, ticks: grid, font: '11px Inter Variable' }
    const rows: [number, number | null, number | null][] = []
    for (const sample of samples) {
      const at = Date.parse(sample.at) / 1000
      const before = rows.at(-1)
      if (before && at - before[0] > stepS * 1.5) rows.push([before[0] + stepS, null, null])
      rows.push([at, sample[`${measure}Percent`], sample[`${measure}PeakPercent`]])
    }
    const data: Plot.AlignedData = [
      rows.map(([at]) => at),
      rows.map((row) => row[1]),
      rows.map((row) => row[2]),
    ]
    const now = Date.now() / 1000
    const plot = new Plot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: true, live: true },
        scales: { x: { range: [now - spanS, now] }, y: { range: [0, 100] } },
        axes: [
          { ...axis, values: (_plot, splits) => splits.map((at) => hourText(at, spanS)) },
          { ...axis, size: 52, values: (_plot, values) => values.map((value) => `${value} %`) },
        ],
        series: [
          {
            label: t('charts.time'),
            value: (_plot, at) => (at === null ? '–' : momentText(new Date(at * 1000).toISOString())),
          },
          {
            label: t('charts.mean'),
            value: (_plot, value) => percentText(value),
            stroke: '#0c8599',
            width: 2,
            fill: 'rgba(12,133,153,0.12)',
            points: { show: rows.length < 3 },
          },
          {
            label: t('charts.peak'),
            value: (_plot, value) => percentText(value),
            stroke: '#e8590c',
            width: 1,
            points: { show: false },
          },
        ],
      },
      data,
      element,
    )
    const resize = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }))
    resize.observe(element)
    return () => {
      resize.disconnect()
      plot.destroy()
    }
  }, [samples, scheme, stepS, spanS, measure])
  return (
    <Paper withBorder p="sm">
      <Title order={2} size="h3">
        {title}
      </Title>
      {samples.length === 0 ? (
        <Text size="sm" c="dimmed" py="lg" ta="center">
          {t('charts.none')}
        </Text>
      ) : (
        <div ref={place} role="img" aria-label={title} />
      )}
    </Paper>
  )
}
