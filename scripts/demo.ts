/** Real Debian hosts on this machine, one of each flavour named, brought into the fleet. They live as long as this process. */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { Bed, type Flavour, isFlavour, rootfsFor } from '../test/bed/index.ts'

const flavours = process.argv.slice(2).filter(isFlavour)

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
    const { exitCode } = await installed(host, bed.key.path)
    if (exitCode === 0)
      console.log(`✔ ${name} is online, ${Math.round((Date.now() - startedAt) / 1000)} s after the start`)
    return exitCode
  }
  const [first, ...others] = flavours
  // The first one is waited for, so it has the machine for itself.
  const codes = [first === undefined ? 0 : await join(first, 0)]
  codes.push(...(await Promise.all(others.map((flavour, index) => join(flavour, index + 1)))))
  await rollcall(['host', 'list'])
  if (codes.some((code) => code !== 0))
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
