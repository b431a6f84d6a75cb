/** Three real Debian hosts on this machine, brought into the fleet. They live as long as this process. */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { Bed } from '../test/bed/index.ts'

const HOSTS = [
  { name: 'demo-1', flavour: 'bookworm' },
  { name: 'demo-2', flavour: 'trixie' },
  { name: 'demo-3', flavour: 'bullseye' },
] as const

const cli = fileURLToPath(new URL('../cli/bin/rollcall.cjs', import.meta.url))
const rollcall = (args: string[], stdio: 'inherit' | 'pipe' = 'inherit') =>
  execa('node', [cli, ...args], { stdio: ['ignore', stdio, stdio], reject: false })

/** Three installations run side by side: each line says whose it is. */
function installed(host: { name: string; address: string }, keyPath: string) {
  const prefix = function* (line: unknown) {
    yield `${host.name} | ${line}`
  }
  const args = ['--address', host.address, '--key', keyPath, '--label', 'env=demo', '--wait']
  return execa('node', [cli, 'host', 'add', host.name, ...args], {
    stdin: 'ignore',
    stdout: [prefix, 'inherit'],
    stderr: [prefix, 'inherit'],
    reject: false,
  })
}

const WHAT_NEXT = `
Three hosts are in the fleet. In another terminal, in this folder:

  npx rollcall host list
  npx rollcall run --host demo-1 --host demo-2 -- uname -a
  npx rollcall run --host demo-1 -- sh -c 'for i in 1 2 3 4 5; do echo $i; echo e$i >&2; sleep 1; done'
  npx rollcall command list

Ctrl-C here ends the server and the three hosts.`

const stopped = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT'), once(process, 'disconnect')])

console.log(
  '▸ booting three Debian hosts (12, 13 and 11); the first time their file systems are built, a minute or two',
)
const bed = await Bed.open({ name: 'demo', log: (line) => console.log(`  ${line}`) })
try {
  const hosts = await bed.boot(HOSTS.map((host) => ({ ...host })))
  const known = await knownHosts()
  for (const host of hosts) {
    // A host of an earlier demo is gone with its disk: what the fleet knows of it is not true any more.
    if (known.has(host.name)) await rollcall(['host', 'remove', host.name, '--forget'], 'pipe')
  }
  console.log('▸ installing the agent on each, over SSH')
  const added = await Promise.all(hosts.map((host) => installed(host, bed.key.path)))
  await rollcall(['host', 'list'])
  if (added.some((result) => result.exitCode !== 0))
    console.error('✖ not every host could be installed; see above. The server goes on.')
  else console.log(WHAT_NEXT)
  await stopped
} finally {
  await bed.close()
}
process.disconnect?.()

async function knownHosts(): Promise<Set<string>> {
  const { stdout, stderr, exitCode } = await rollcall(['host', 'list', '--json'], 'pipe')
  if (exitCode !== 0) throw new Error(`the fleet cannot be listed: ${stderr}`)
  const { hosts } = JSON.parse(String(stdout)) as { hosts: { name: string }[] }
  return new Set(hosts.map((host) => host.name))
}
