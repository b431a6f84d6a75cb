/** Real Debian hosts on this machine, one of each flavour named, brought into the fleet. They live as long as this process. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join as pathOf } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { Bed, type Flavour, type Host, isFlavour, rootfsFor } from '../test/bed/index.ts'
import { runService, SERVICE_FILE } from './demo-service.ts'

const flavours = process.argv.slice(2).filter(isFlavour)

const cli = fileURLToPath(new URL('../cli/bin/rollcall.cjs', import.meta.url))
/** Ends commands that wait for something while the demo is stopped. */
const closing = new AbortController()
const rollcall = (args: string[], stdio: 'inherit' | 'pipe' = 'inherit') =>
  execa('node', [cli, ...args], {
    stdio: ['ignore', stdio, stdio],
    reject: false,
    cancelSignal: closing.signal,
  })

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

const HOSTS_NEXT = `
Three hosts are in the fleet. In another terminal, in this folder:

  npx rollcall host list
  npx rollcall run --host demo-1 --host demo-2 -- uname -a
  npx rollcall run --host demo-1 -- sh -c 'for i in 1 2 3 4 5; do echo $i; echo e$i >&2; sleep 1; done'
  npx rollcall command list
`

const toServiceNext = (address: string) => `
The service demo/hello runs on all three, from ${SERVICE_FILE}:

  curl http://${address}:8080
  npx rollcall service show demo/hello
  npx rollcall service why demo/hello.2
  npx rollcall service logs demo/hello
`

const THE_END = 'Ctrl-C here ends the server and the three hosts.'

const sinceStart = () => `${Math.round((Date.now() - startedAt) / 1000)} s after the start`

/** Applies the demo's service where every host could be installed, and prints what to look at next. */
async function showWhatNext(hosts: readonly Host[]): Promise<void> {
  const [first] = hosts
  console.log(HOSTS_NEXT)
  if (!first) return
  console.log('▸ running a service on them')
  if (await runService(first, rollcall)) {
    console.log(`✔ demo/hello is healthy, ${sinceStart()}`)
    console.log(toServiceNext(first.address))
  } else console.error('✖ the service demo/hello does not run; see above. The hosts and the server go on.')
  console.log(THE_END)
}

/** When `npm start` began, which the set-up belongs to; this process' own start where it runs by itself. */
const startedAt = Number(process.env.ROLLCALL_STARTED_AT) || Date.now()

const stopped = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT'), once(process, 'disconnect')])

const log = (line: string) => console.log(`  ${line}`)
console.log(`▸ booting ${flavours.length} Debian hosts, each as soon as its file system is built`)
const bed = await Bed.open({ name: 'demo', log })
try {
  const known = await knownHosts()
  const join = async (flavour: Flavour, index: number) => {
    const name = `demo-${index + 1}`
    // A host of an earlier demo is gone with its disk: what the fleet knows of it is not true any more.
    if (known.has(name)) await rollcall(['host', 'remove', name, '--forget'], 'pipe')
    await rootfsFor(flavour)
    const [host] = await bed.boot([{ name, flavour }])
    if (!host) throw new Error(`${name} was not booted`)
    // The resolver of Debian 13's podman needs one to exist; nothing is asked of it.
    await writeFile(pathOf(host.root, 'etc/resolv.conf'), 'nameserver 127.0.0.1\n')
    const { exitCode } = await installed(host, bed.key.path)
    if (exitCode === 0) console.log(`✔ ${name} is online, ${sinceStart()}`)
    return exitCode
  }
  const [first, ...others] = flavours
  // The first one is waited for, so it has the machine for itself.
  const codes = [first === undefined ? 0 : await join(first, 0)]
  codes.push(...(await Promise.all(others.map((flavour, index) => join(flavour, index + 1)))))
  await rollcall(['host', 'list'])
  if (codes.some((code) => code !== 0))
    console.error('✖ not every host could be installed; see above. The server goes on.')
  else await Promise.race([showWhatNext(bed.hosts), stopped])
  await stopped
} finally {
  closing.abort()
  await bed.close()
}
process.disconnect?.()

async function knownHosts(): Promise<Set<string>> {
  const { stdout, stderr, exitCode } = await rollcall(['host', 'list', '--json'], 'pipe')
  if (exitCode !== 0) throw new Error(`the fleet cannot be listed: ${stderr}`)
  const { hosts } = JSON.parse(String(stdout)) as { hosts: { name: string }[] }
  return new Set(hosts.map((host) => host.name))
}
