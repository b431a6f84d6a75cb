import { randomUUID } from 'node:crypto'
import type { Database } from '../prisma/database.ts'

const PIN = `sha256/${'A'.repeat(43)}=`

let port = 10_000

/** Inserts a host that does not exist, for specs that select hosts. */
export async function addTestHost(
  database: Database,
  host: { name: string; labels?: Record<string, string>; isInstalled?: boolean; at: Date },
): Promise<void> {
  const { name, labels = {}, isInstalled = true, at } = host
  await database.prisma.host.create({
    data: {
      id: randomUUID(),
      name,
      labels,
      address: 'a',
      sshPort: 22,
      sshUser: 'root',
      credential: Buffer.of(1),
      state: isInstalled ? 'online' : 'installing',
      stateSince: at,
      createdAt: at,
      agent: {
        create: {
          rpcPort: port++,
          rpcPath: 'p',
          token: Buffer.of(1),
          secretKey: Buffer.of(1),
          certificate: 'c',
          privateKey: Buffer.of(1),
          certificatePin: PIN,
          serverPin: PIN,
          installedAt: isInstalled ? at : null,
        },
      },
    },
  })
}
