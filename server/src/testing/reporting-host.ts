import type { HostFacts, HostVitals } from '@rollcall/contracts/admin'
import type { Database } from '../platform/prisma/database.ts'
import { addTestHost } from '../platform/testing/test-hosts.ts'

const GIB = 2 ** 30

interface Reported {
  labels?: Record<string, string>
  memoryGib?: number
  ports?: number[]
}

/** Inserts a host that has reported what placement asks for. */
export async function addReportingHost(
  database: Database,
  name: string,
  { labels = {}, memoryGib = 8, ports = [] }: Reported = {},
): Promise<string> {
  const at = new Date()
  await addTestHost(database, { name, labels, at })
  const { id } = await database.one<{ id: string }>('SELECT id FROM host WHERE name = $1', [name])
  const memory = {
    totalBytes: memoryGib * GIB,
    availableBytes: memoryGib * GIB,
    swapTotalBytes: 0,
    swapFreeBytes: 0,
  }
  const disks = [{ mount: '/', filesystem: 'ext4', totalBytes: 100 * GIB, availableBytes: 80 * GIB }]
  const vitals: Partial<HostVitals> = { memory, disks, cpuPercent: 0, memoryPercent: 0 }
  const facts: Partial<HostFacts> = {
    architecture: 'x86_64',
    cores: 4,
    openPorts: ports.map((port) => ({ protocol: 'tcp', address: '0.0.0.0', port })),
    containerEngines: [{ name: 'podman', total: 0, failure: null }],
  }
  await database.execute(
    `INSERT INTO roll (host_id, due_at, min_ms, max_ms, vitals, updated_at) VALUES ($1, 'infinity', 1000, 1000, $2, $3)
     ON CONFLICT (host_id) DO UPDATE SET vitals = $2`,
    [id, JSON.stringify(vitals), at],
  )
  await database.execute('INSERT INTO host_facts (host_id, facts, changed_at) VALUES ($1, $2, $3)', [
    id,
    JSON.stringify(facts),
    at,
  ])
  return id
}
