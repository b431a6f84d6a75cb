import { request } from 'node:https'
import { AGENT_PATHS } from '@rollcall/contracts/agent'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { InstallTarget } from '../../server/src/provisioning/install-ports.ts'
import type { Host } from '../bed/index.ts'
import {
  Fleet,
  filesOf,
  isListening,
  LISTENS,
  leftProcesses,
  OPS,
  otherArchive,
  PASSWORD,
  reason,
} from './fleet.ts'

const suite = reason ? `skipped: ${reason}` : 'installing over SSH'

describe.skipIf(reason)(suite, () => {
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await Fleet.open('install.spec')
  })
  afterAll(() => fleet?.[Symbol.asyncDispose]())

  // One host for all, in this order: each installation but the first finds what the removal before it has left, which is nothing.
  describe.each(['bullseye', 'bookworm', 'trixie'] as const)('%s', (flavour) => {
    let installed: InstallTarget
    const login = { user: 'ops', credential: { type: 'password' as const, password: PASSWORD } }
    let host: Host
    let before: string[]
    beforeAll(async () => {
      const [booted] = await fleet.boot({ name: flavour, flavour, user: OPS })
      if (!booted) throw new Error('no host')
      host = booted
      before = await filesOf(host)
    })
    afterAll(() => host?.powerOff())

    it('an installation as root by key listens, a second one changes nothing, and removal leaves nothing', async () => {
      const target = fleet.target(host)
      const pins: string[] = []
      const ports = fleet.ports({ onHostKey: async (fingerprint) => void pins.push(fingerprint) })

      const first = await fleet.install(target, ports)
      expect(first).toMatchObject({ rpcPort: target.identity.rpcPort, agentVersion: fleet.archive.version })
      expect(first.changedTasks).toBeGreaterThan(0)
      expect(pins).toEqual([expect.stringMatching(/^SHA256:/)])
      expect(await toStatus(host.address, first.rpcPort)).toBe(404)
      for (const secret of [target.identity.token, target.identity.secretKey, 'PRIVATE KEY'])
        expect(ports.text()).not.toContain(secret)
      expect(await modesOf(host, [AGENT_PATHS.config, AGENT_PATHS.privateKey])).toEqual([
        '600 root',
        '600 root',
      ])

      const agentPid = () =>
        host.output(['systemctl', 'show', '--property=MainPID', '--value', 'rollcall-agent.service'])
      const pid = await agentPid()
      const pinned = { ...target, pinnedHostKey: pins[0] ?? null }
      const again = fleet.ports({ firstInstall: false })
      expect(await fleet.install(pinned, again)).toMatchObject({ changedTasks: 0 })
      expect(again.text()).toContain('already installed')
      expect(await agentPid()).toBe(pid)
      expect(await host.exec(['ls', '/root/.rollcall-staging'])).not.toMatchObject({ exitCode: 0 })

      const said = await fleet.remove(pinned)
      expect(said).toContain('Removed /opt/rollcall-agent')
      expect(await filesOf(host)).toEqual(before)
      expect(await leftProcesses(host)).toBe('')
      expect(await fleet.remove(pinned)).toContain('There was nothing of Rollcall on this host')
      expect(
        (await host.output(['systemctl', 'list-units', '--all', 'rollcall*', '--no-legend'])).trim(),
      ).toBe('')
    })

    it('an installation works as a user by password, whose sudo asks for it', async () => {
      const target = fleet.target(host, login)
      // A small one: the agent itself was installed by the story above.
      await using archive = await otherArchive(host, LISTENS)
      const ports = fleet.ports({ agentArchive: async () => archive })
      expect((await fleet.install(target, ports)).changedTasks).toBeGreaterThan(0)
      expect(ports.text()).not.toContain(PASSWORD)
      expect(await isListening(host, target.identity.rpcPort)).toBe(true)
      installed = target
    })

    it('a removal ends commands that still run, leaves processes of users, and no file', async () => {
      await pretendCommand(host)
      expect(await fleet.remove(installed)).toContain('Ending the command of process group')
      expect((await host.exec(['pgrep', '--full', 'sleep 1000'])).exitCode).toBe(1)
      expect((await host.exec(['pgrep', '--full', 'sleep 2000'])).exitCode).toBe(0)
      expect(await filesOf(host)).toEqual(before)
    })
  })
})

/** Starts what looks like a command to the removal, and a program that is none. */
async function pretendCommand(host: Host): Promise<void> {
  const folder = `${AGENT_PATHS.state}/commands/11111111-1111-4111-8111-111111111111`
  // The agent would take a command that it did not start for lost.
  await host.output(['systemctl', 'stop', 'rollcall-agent.service', 'rollcall-runner.socket'])
  // What the runner records of a command: its group, and that it has not ended.
  const script = `
    boot=$(cat /proc/sys/kernel/random/boot_id)
    setsid sleep 1000 >/dev/null 2>&1 & leader=$!
    setsid sleep 2000 >/dev/null 2>&1 &
    set -- $(sed 's/.*) //' /proc/$leader/stat); shift 19; start=$1
    mkdir -p ${folder}
    echo "{\\"boot_id\\":\\"$boot\\"}" > ${folder}/spec.json
    echo "{\\"runner\\":{\\"pid\\":1,\\"start\\":\\"1\\"},\\"started_at_ms\\":1,\\"program\\":{\\"pid\\":$leader,\\"start\\":\\"$start\\"}}" > ${folder}/started.json
  `
  await host.output(['bash', '-c', script])
}

async function modesOf(
  host: { output(argv: string[]): Promise<string> },
  paths: string[],
): Promise<string[]> {
  return (await host.output(['stat', '--format=%a %U', ...paths])).trim().split('\n')
}

/** The status that an agent gives to somebody it does not know. */
function toStatus(address: string, port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    // Any certificate will do: only whether HTTPS answers is asked.
    const call = request(
      { host: address, port, path: '/', rejectUnauthorized: false, timeout: 5000 },
      (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      },
    )
    call.on('error', reject)
    call.end()
  })
}
