import { expect, it } from 'vitest'
import { type ShownTransfer, withNews } from './transfer-news.ts'

const host = (name: string, bytes: number): ShownTransfer['hosts'][number] => ({
  host: name,
  state: 'running',
  bytes,
  totalBytes: 9,
  filesWritten: null,
  filesUnchanged: null,
  changes: { links: 1, folders: 0, removed: 0, listed: [] },
  reasonCode: null,
  reason: null,
})
const transfer: ShownTransfer['transfer'] = {
  id: 'x',
  kind: 'tree',
  destination: '/x',
  isDryRun: false,
  requestedBy: 'me',
  endedAt: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  counts: { pending: 0, running: 2, success: 0, failed: 0, cancelled: 0 },
}

it('what is new of one host is taken up, and what is known of it and of others stays', () => {
  const { changes: _changes, ...news } = host('b', 5)
  const counts = { ...transfer.counts, running: 1, success: 1 }
  const event = { type: 'transfer' as const, transfer: { ...transfer, counts }, hosts: [news] }
  expect(withNews({ transfer, hosts: [host('a', 1), host('b', 2)] }, event)).toEqual({
    transfer: { ...transfer, counts },
    hosts: [host('a', 1), host('b', 5)],
  })
  expect(withNews(undefined, event)).toBeUndefined()
})
