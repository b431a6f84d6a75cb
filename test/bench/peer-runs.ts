import { readFile } from 'node:fs/promises'
import { ask } from '../bed/tools.ts'
import { LoadNamespace } from '../load/namespace.ts'
import { installPeer } from './debian-packages.ts'
import { PeerSshd } from './peer-sshd.ts'
import { PEER_TOOLS, type PeerFiles, type PeerMode, type PeerTool } from './peer-tools.ts'
import { cpuMs } from './process-cost.ts'
import { percentile } from './statistics.ts'

const RUN_TIMEOUT_MS = 300_000

/** The time that one tool took for `true` on all hosts; medians. */
export interface PeerTimes {
  tool: PeerTool
  warmS: number
  coldS: number
  /** Processor time of the tool and of all that it started, and of the ssh processes that keep its connections, per host. */
  warmCpuMsPerHost: number
  rounds: number
}
export type PeerResult = PeerTimes | { tool: PeerTool; absent: string }

const measured = new Map<string, Promise<PeerResult[]>>()

/** Measures tools against `count` hosts, once in a run: whoever asks again gets the same. */
export function measurePeers(
  count: number,
  names: readonly string[],
  rounds: number,
  log: (line: string) => void,
): Promise<PeerResult[]> {
  const key = `${count} ${names.join(' ')} ${rounds}`
  const known = measured.get(key)
  if (known) return known
  const tools = PEER_TOOLS.filter(({ name }) => names.includes(name))
  const fresh = measure(count, tools, rounds, log)
  measured.set(key, fresh)
  return fresh
}

async function measure(
  count: number,
  tools: readonly PeerTool[],
  rounds: number,
  log: (line: string) => void,
): Promise<PeerResult[]> {
  const absent = new Map<PeerTool, string>()
  for (const tool of tools) {
    const reason = await installPeer(tool.program, tool.package, log)
    if (reason) absent.set(tool, reason)
  }
  await using namespace = await LoadNamespace.open(log)
  await using sshd = await PeerSshd.start(namespace, log)
  const files = await sshd.files(count)
  const results: PeerResult[] = []
  for (const tool of tools) {
    const reason = absent.get(tool)
    if (reason !== undefined) {
      log(`${tool.label}: absent (${reason})`)
      results.push({ tool, absent: reason })
      continue
    }
    const cold = await times(rounds, () => runOnce(namespace, tool, files, 'cold', []))
    await openMasters(namespace, sshd, tool, files, count)
    const masters = await sshd.masters()
    const warm = await times(rounds, () => runOnce(namespace, tool, files, 'warm', masters))
    const median = (runs: Run[], of: keyof Run) =>
      percentile(
        runs.map((run) => run[of]),
        0.5,
      )
    const result: PeerTimes = {
      tool,
      warmS: median(warm, 'wallS'),
      coldS: median(cold, 'wallS'),
      warmCpuMsPerHost: median(warm, 'cpuMs') / count,
      rounds,
    }
    log(
      `${tool.label} on ${count}: warm ${result.warmS.toFixed(2)} s, cold ${result.coldS.toFixed(2)} s, ` +
        `${result.warmCpuMsPerHost.toFixed(1)} ms of processor per host (warm)`,
    )
    results.push(result)
  }
  return results
}

interface Run {
  wallS: number
  cpuMs: number
}

async function times(rounds: number, once: () => Promise<Run>): Promise<Run[]> {
  const runs: Run[] = []
  for (let round = 0; round < rounds; round++) runs.push(await once())
  return runs
}

/** The tool opens its connections by itself, the first time; they stay for the tools that come after it. */
async function openMasters(
  namespace: LoadNamespace,
  sshd: PeerSshd,
  tool: PeerTool,
  files: PeerFiles,
  count: number,
): Promise<void> {
  if ((await sshd.masters()).length === count) return
  await runOnce(namespace, tool, files, 'warm', [])
  const { length } = await sshd.masters()
  if (length !== count) throw new Error(`${tool.label} keeps ${length} connections open, not ${count}`)
}

/** Runs a tool to its end. Throws when it did not succeed on every host: a figure of wrong work is no figure. */
async function runOnce(
  namespace: LoadNamespace,
  tool: PeerTool,
  files: PeerFiles,
  mode: PeerMode,
  masters: readonly number[],
): Promise<Run> {
  const before = await sum(masters)
  // The shell's own `time` counts what its children and theirs have used, once they have ended.
  const script = 'TIMEFORMAT="%R %U %S"; time "$@" > "$0"'
  const output = `${files.hosts}.out`
  const [program, ...enter] = namespace.enter
  const argv = [...enter, 'bash', '-c', script, output, ...tool.argv(files, mode)]
  const { exitCode, stderr } = await ask(program as string, argv, {
    env: tool.env(files, mode),
    timeoutMs: RUN_TIMEOUT_MS,
  })
  const lines = stderr.split('\n')
  const [wallS, userS, systemS] = (lines.at(-1) ?? '').split(' ').map(Number)
  if (exitCode !== 0 || wallS === undefined || userS === undefined || systemS === undefined)
    throw new Error(`${tool.label} ended with ${exitCode}: ${stderr.slice(-500)} ${await tail(output)}`)
  return { wallS, cpuMs: (userS + systemS) * 1000 + (await sum(masters)) - before }
}

async function sum(pids: readonly number[]): Promise<number> {
  const each = await Promise.all(pids.map((pid) => cpuMs(pid)))
  return each.reduce((total, ms) => total + ms, 0)
}

const tail = async (file: string) => (await readFile(file, 'utf8')).slice(-500)
