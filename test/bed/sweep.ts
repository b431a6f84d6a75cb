import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ControlGroup } from './cgroup.ts'
import { withLock } from './lock.ts'
import { deleteLink, pickSubnet, Subnet } from './network.ts'
import { currentOwner, isAlive, type Owner } from './owner.ts'
import { bedDir, stateDir } from './places.ts'
import { run } from './tools.ts'

/** The record of a bed on disk, by which another process can tell whose it is and remove it. */
export interface BedState {
  name: string
  owner: Owner
}

/** Takes a free subnet for this process. From here on the bed exists, and is swept when this process is gone. */
export function claimBed(name: string): Promise<Subnet> {
  return exclusively(async () => {
    const taken = new Set(await listBeds())
    const subnet = await pickSubnet((id) => taken.has(id))
    const state: BedState = { name, owner: await currentOwner() }
    // Renamed into place whole: no one ever sees a bed without its state.
    const draft = join(stateDir(), `.claim-${process.pid}`)
    await rm(draft, { recursive: true, force: true })
    await mkdir(draft)
    await writeFile(join(draft, 'bed.json'), `${JSON.stringify(state, undefined, 2)}\n`)
    await rename(draft, bedDir(subnet.id))
    return subnet
  })
}

/** Removes every bed whose owner is dead. Returns their ids. */
export function sweep(log: (line: string) => void = () => undefined): Promise<string[]> {
  return exclusively(async () => {
    const swept: string[] = []
    for (const id of await listBeds()) {
      const { name, owner }: BedState = JSON.parse(await readFile(join(bedDir(id), 'bed.json'), 'utf8'))
      if (await isAlive(owner)) continue
      log(`sweeping bed ${id} (${name}), whose owner ${owner.pid} is gone`)
      await demolish(Subnet.of(id))
      swept.push(id)
    }
    return swept
  })
}

/** Removes all of a bed, running hosts included. Safe to repeat: the state file goes last, so a broken-off one is done again. */
export async function demolish(subnet: Subnet): Promise<void> {
  const dir = bedDir(subnet.id)
  await (await ControlGroup.of(subnet.bridge)).remove()
  for (const path of await mountsBelow(dir)) await run('umount', [path])
  await deleteLink(subnet.bridge)
  await rm(join(dir, 'hosts'), { recursive: true, force: true })
  await rm(dir, { recursive: true, force: true })
}

async function listBeds(): Promise<string[]> {
  return (await readdir(stateDir())).filter((name) => !name.startsWith('.'))
}

/** Deepest first. */
async function mountsBelow(dir: string): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')
  const paths = lines.map((line) => line.split(' ')[4] ?? '').filter((path) => path.startsWith(`${dir}/`))
  return paths.sort((a, b) => b.length - a.length)
}

function exclusively<T>(work: () => Promise<T>): Promise<T> {
  return withLock(join(stateDir(), '.lock'), work)
}
