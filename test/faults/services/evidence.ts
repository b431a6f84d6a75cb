import type { Host } from '../../bed/index.ts'
import type { Fleet } from '../../fleet/fleet.ts'
import { insist } from '../strike.ts'
import { listServices } from './settle.ts'
import type { Violation } from './violation.ts'

const MAX_INSTANCES = 3
const EVENTS = 20
const LINES = '40'

/** Gathers what server and hosts say of the first instances that violations are about, for people. */
export async function gatherEvidence(
  { api, hosts }: Fleet,
  violations: readonly Violation[],
): Promise<string> {
  const ids = new Set(violations.flatMap(({ instance }) => (instance === null ? [] : [instance])))
  const shown = await insist(() => listServices(api))
  const parts = [...ids].slice(0, MAX_INSTANCES).map(async (id) => {
    const owner = shown.find(({ instances }) => instances.some((one) => one.id === id))
    const instance = owner?.instances.find((one) => one.id === id)
    const events = owner
      ? (
          await api.call('listServiceEvents', {
            params: { service: owner.service.id },
            query: { slot: instance?.slot, limit: EVENTS },
          })
        ).events
      : []
    const onHosts = await Promise.all(
      hosts.map((host) => inspectInstance(host, id).catch((error) => `-- ${host.name}: ${error}`)),
    )
    const lines = events.map((event) => JSON.stringify(event)).toReversed()
    return [`== ${id}`, JSON.stringify(instance ?? null), ...lines, ...onHosts.filter(Boolean)].join('\n')
  })
  return (await Promise.all(parts)).join('\n')
}

/** Returns what a host has and has logged of an instance; empty where it has nothing. */
async function inspectInstance(host: Host, id: string): Promise<string> {
  if (!host.isRunning) return `-- ${host.name} is off`
  const pattern = `rollcall-i-${id}-*`
  const programs = [
    [
      'sh',
      '-c',
      `ls -lR /etc/rollcall-services/${id} 2>/dev/null; cat /etc/rollcall-services/${id}/state.json 2>/dev/null; true`,
    ],
    ['systemctl', '--no-pager', '--lines=0', 'status', pattern],
    ['podman', 'ps', '--all', '--external', '--no-trunc', '--filter', `name=${id}`],
    ['journalctl', '--no-pager', '--output=short-precise', '--lines', LINES, '--unit', pattern],
  ]
  const outputs = (await Promise.all(programs.map((argv) => host.exec(argv)))).map(({ stdout }) => stdout)
  const [folder = '', , containers = ''] = outputs
  return `${folder}${containers}`.includes(id) ? `-- ${host.name}\n${outputs.join('\n').trim()}` : ''
}
