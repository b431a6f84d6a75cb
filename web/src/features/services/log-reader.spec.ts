// @vitest-environment happy-dom
import { expect, it, onTestFinished, vi } from 'vitest'
import { live, type Topic } from '../../api/live.ts'
import { accepted, serve } from '../../testing/draw.tsx'
import { LogReader, type ReadLogs } from './log-reader.ts'
import { logCommand } from './testing/views.ts'

const ID = '00000000-0000-4000-8000-00000000000'

/** Stands in for the page's socket: returns what is followed. */
function followed() {
  const topics: Topic[] = []
  const ended: Topic[] = []
  vi.spyOn(live, 'follow').mockImplementation((topic) => {
    topics.push(topic)
    return () => void ended.push(topic)
  })
  onTestFinished(() => void vi.restoreAllMocks())
  return { topics, ended }
}

const answers = (): Parameters<typeof serve>[0] => ({
  ...Object.fromEntries(
    [1, 2].map((slot) => [
      `POST /api/services/shop%2Fweb/instances/${slot}/logs`,
      () => accepted({ command: logCommand(`${ID}${slot}`) }),
    ]),
  ),
  [`POST /api/commands/${ID}1/cancel`]: () => accepted({ command: logCommand(`${ID}1`) }),
  [`POST /api/commands/${ID}2/cancel`]: () => accepted({ command: logCommand(`${ID}2`) }),
})

const says = (slot: number, text: string) => ({
  type: 'output' as const,
  commandId: `${ID}${slot}`,
  offset: 0,
  stream: 'stdout' as const,
  data: btoa(text),
})

it('a followed log is ended on the hosts when the page is left', async () => {
  const made = serve(answers())
  const { topics, ended } = followed()
  const reader = new LogReader('shop/web', true, [1, 2], () => undefined)
  await expect.poll(() => topics.length).toBe(2)
  reader.stop()
  expect(ended).toHaveLength(2)
  await expect.poll(() => made.filter(({ route }) => route.endsWith('/cancel')).length).toBe(2)
})

it('a page that is closed or loaded anew ends what it follows, by requests that outlive it', async () => {
  const made = serve(answers())
  const { topics } = followed()
  const reader = new LogReader('shop/web', true, [1, 2], () => undefined)
  await expect.poll(() => topics.length).toBe(2)
  const lasting: string[] = []
  const answering = fetch
  vi.stubGlobal('fetch', (address: string, init: RequestInit) => {
    if (init.keepalive) lasting.push(`${init.method} ${address}`)
    return answering(address, init)
  })
  dispatchEvent(new Event('pagehide'))
  expect(lasting.toSorted()).toEqual([1, 2].map((slot) => `POST /api/commands/${ID}${slot}/cancel`))
  reader.stop()
  await expect.poll(() => made.filter(({ route }) => route.endsWith('/cancel')).length).toBe(4)
  dispatchEvent(new Event('pagehide'))
  expect(lasting).toHaveLength(2)
})

it('a log that is only read is not cancelled, and its lines come merged', async () => {
  const made = serve(answers())
  const { topics } = followed()
  const reads: ReadLogs[] = []
  const reader = new LogReader('shop/web', false, [1, 2], (read) => reads.push(read))
  await expect.poll(() => topics.length).toBe(2)
  for (const event of [
    says(1, '2026-11-30T10:00:02Z web out second\n'),
    says(2, '2026-11-30T10:00:01Z web out first\n'),
  ])
    for (const topic of topics) if (topic.takes(event)) topic.onEvent(event)
  await expect.poll(() => reads.at(-1)?.log.lines.map(({ text }) => text)).toContain('second')
  expect(reads.at(-1)?.log.lines[0]?.text).toBe('first')
  reader.stop()
  expect(made.some(({ route }) => route.endsWith('/cancel'))).toBe(false)
})

it('the log of one instance that cannot be read is told with its reason beside the others', async () => {
  const { 'POST /api/services/shop%2Fweb/instances/2/logs': _, ...some } = answers()
  serve(some)
  const { topics } = followed()
  const reads: ReadLogs[] = []
  const reader = new LogReader('shop/web', false, [1, 2], (read) => reads.push(read))
  await expect.poll(() => topics.length).toBe(1)
  await expect.poll(() => reads.at(-1)?.failures.has(2)).toBe(true)
  expect(reads.at(-1)?.isReading).toBe(true)
  reader.stop()
})
