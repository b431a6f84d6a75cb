/** The bed by hand: `node test/bed/cli.ts` shows how. */
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { Bed } from './bed.ts'
import { type Flavour, flavourNames, isFlavour } from './flavours.ts'
import { installRequirements, whyNoBed } from './requirements.ts'
import { rootfsFor } from './rootfs.ts'
import { sweep } from './sweep.ts'

const USAGE = `usage: node test/bed/cli.ts boot [N] [--flavour NAME]   boot N hosts (1) and keep them until Ctrl-C
       node test/bed/cli.ts build [NAME…]              build root file systems ahead of time (all but those with podman)
       node test/bed/cli.ts sweep                      remove beds whose owner has died
flavours: ${flavourNames.join(' ')}`

const log = (line: string) => console.error(line)

async function boot(count: number, flavour: Flavour): Promise<void> {
  // Before anything exists: a signal during the boot must close what there is by then.
  const stopped = Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)))
  await using bed = await Bed.open({ name: 'cli', log })
  const requests = Array.from({ length: count }, (_, index) => ({ name: `demo-${index + 1}`, flavour }))
  const booted = bed.boot(requests)
  booted.catch(() => undefined) // Awaited next; should a signal come first, closing the bed makes it fail.
  await Promise.race([booted, stopped])
  for (const host of bed.hosts)
    console.log(`${host.name}\t${host.address}\tssh -i ${bed.key.path} root@${host.address}`)
  log(`the server's side is ${bed.address}; Ctrl-C ends it all`)
  await stopped
}

async function build(flavours: readonly Flavour[]): Promise<void> {
  await installRequirements(log)
  const [first, ...others] = flavours
  // The first is waited for, so it has the machine for itself; the others are built two at a time.
  if (first !== undefined) console.log(await rootfsFor(first, log))
  const waiting = others.values()
  const buildNext = async () => {
    for (const flavour of waiting) console.log(await rootfsFor(flavour, log))
  }
  await Promise.all([buildNext(), buildNext()])
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { flavour: { type: 'string' } },
  })
  const [command, ...rest] = positionals
  const names = command === 'build' ? rest : [values.flavour ?? 'bookworm']
  const unknown = names.find((name) => !isFlavour(name))
  const count = Number(rest[0] ?? 1)
  if (unknown !== undefined) return fail(`no such flavour: ${unknown}\n${USAGE}`)
  const reason = await whyNoBed()
  if (reason) return fail(reason)
  const chosen = names.filter(isFlavour)
  if (command === 'boot' && Number.isInteger(count) && count > 0) return boot(count, chosen[0] ?? 'bookworm')
  if (command === 'build')
    return build(chosen.length ? chosen : flavourNames.filter((name) => !name.startsWith('podman')))
  if (command === 'sweep') return console.log(`${(await sweep(log)).length} swept`)
  return fail(USAGE)
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}

await main()
