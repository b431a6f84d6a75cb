import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RPC_ERROR } from '@rollcall/contracts/agent'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AgentHost } from './fixtures/agent-host.ts'

let host: AgentHost
beforeAll(async () => {
  host = await AgentHost.start()
})
afterAll(() => host.stop())

/** Writes a report as a warden on this host would. */
function report(digest: string): void {
  const folder = join(host.folder, 'rollcall-warden')
  mkdirSync(folder, { recursive: true })
  const boot_id = '11111111-2222-4333-8444-555555555555'
  writeFileSync(join(folder, 'new'), JSON.stringify({ format: 1, boot_id, at_ms: 1, digest, instances: [] }))
  renameSync(join(folder, 'new'), join(folder, 'report.json'))
}

test('a waiting get_instances is answered with the first report of a warden, and then with its next', async () => {
  const { digest, report: none } = await host.client.call('get_instances', { since_digest: null })
  expect(none?.instances).toEqual([])
  const first = host.client.call('get_instances', { since_digest: digest, wait_ms: 20_000 })
  report('ab')
  expect(await first).toMatchObject({ digest: 'ab', report: { at_ms: 1 } })
  const second = host.client.call('get_instances', { since_digest: 'ab', wait_ms: 20_000 })
  report('cd')
  expect(await second).toMatchObject({ digest: 'cd', failure: null })
})

test('get_instances with a digest that could be none is refused', async () => {
  await expect(
    host.client.call('get_instances', { since_digest: '../report', wait_ms: 0 }),
  ).rejects.toMatchObject({ error: { code: RPC_ERROR.invalidParams } })
})
