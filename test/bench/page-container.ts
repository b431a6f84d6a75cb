import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeImageArchive } from '../bed/image-archive.ts'
import type { Host } from '../bed/index.ts'
import { poll } from '../bed/poll.ts'
import type { BenchFleet } from './bench-fleet.ts'

export const PAGE_IMAGE = 'registry.lan/bench/page:1'
export const PAGE_PORT = 8080
const ARCHIVE = '/var/tmp/page.tar'
const PAGE_MS = 60_000
const LOOK_MS = 50
/** An answer that does not come is asked for again: podman takes connections before the program does. */
const ANSWER_MS = 2_000
/** Answers each connection with a page. In one line: the playbook puts it into a unit. */
const PAGE = [
  'use IO::Socket::INET; $SIG{TERM} = sub { exit 0 };',
  `my $server = IO::Socket::INET->new(LocalPort => ${PAGE_PORT}, Listen => 9, ReuseAddr => 1) or die $!;`,
  'while (my $client = $server->accept) { my $asked = <$client>;',
  'print $client "HTTP/1.0 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nup"; close $client }',
].join(' ')
export const PAGE_COMMAND = ['perl', '-e', PAGE]

/** Brings the image to the server, and to each host's podman under the name that the peers ask for. */
export async function addPageImage({ server }: BenchFleet, hosts: readonly Host[]): Promise<void> {
  const [first] = hosts
  if (!first) throw new Error('there is no host to make an image of')
  const programs = ['/bin/sh', '/usr/bin/perl']
  const archive = await makeImageArchive(first, { name: PAGE_IMAGE, programs, command: ['/bin/sh'] })
  const added = await server.cli('image', 'add', archive)
  if (added.code !== 0) throw new Error(`the image was not added: ${added.stderr}`)
  for (const host of hosts) {
    await copyFile(archive, join(host.root, ARCHIVE))
    await host.output(['podman', 'load', '--quiet', '--input', ARCHIVE], { timeoutMs: 120_000 })
    await host.output(['rm', ARCHIVE])
  }
}

/** Reads the page of a host. Throws unless it is the right one. */
export async function needPage({ name, address }: Host, port: number): Promise<void> {
  const answer = await fetch(`http://${address}:${port}/`, { signal: AbortSignal.timeout(ANSWER_MS) })
  const page = await answer.text()
  if (page !== 'up') throw new Error(`${name} answered ${page}`)
}

/** Waits until each host answers with its page. Throws with the last reason of one that never does. */
export async function untilPages(hosts: readonly Host[]): Promise<void> {
  await Promise.all(hosts.map(untilPage))
}

async function untilPage(host: Host): Promise<void> {
  let reason: unknown
  const hasPage = async () => {
    try {
      await needPage(host, PAGE_PORT)
      return true
    } catch (error) {
      reason = error
      return false
    }
  }
  const what = `the page of ${host.name}`
  await poll(hasPage, { timeoutMs: PAGE_MS, everyMs: LOOK_MS, what }).catch((error: Error) => {
    throw new Error(error.message, { cause: reason })
  })
}
