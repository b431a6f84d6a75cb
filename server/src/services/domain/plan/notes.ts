import { type ServiceDefinition, toContainers, toPlaybookText } from '../service.ts'
import { movesOf } from './wanted-services.ts'

/** Lists the playbooks that would run, and what a file says that this release does not act on yet, or that some hosts cannot do. */
export function toNotes(definitions: readonly ServiceDefinition[]): string[] {
  return definitions.flatMap((definition) =>
    notesOf(definition).map((note) => `${definition.group.name}: ${note}`),
  )
}

function notesOf(definition: ServiceDefinition): string[] {
  const { fence, rollout, heal, services, replicas } = definition.group
  const notes: string[] = []
  if (definition.playbook)
    notes.push(
      `is made by the playbook ${toPlaybookText(definition.playbook.name, definition.playbook.collection?.version)}, as root on its hosts`,
    )
  if (fence !== 'none')
    notes.push(`fence: ${fence} is kept; no instance is replaced by itself yet, so nothing has to be fenced`)
  if (services.some(({ gateway }) => gateway !== null))
    notes.push('gateway is kept; no route is made for it yet')
  if (services.some(({ reach }) => reach.length > 0))
    notes.push('reach is kept; addresses of other services are not written yet')
  if (rollout.strategy !== 'auto' || rollout.canary > 0)
    notes.push(
      'rollout is kept; changed instances are replaced one after the other, each once the last is healthy',
    )
  if (heal.rebalance === 'auto') notes.push('heal is kept; nothing is moved by itself yet')
  if (movesOf(definition).some(({ move }) => move === 'copy'))
    notes.push('volumes with move: copy start empty on another host: nothing is copied yet')
  if (toContainers(definition.group).some(({ container }) => container.secretEnvironment.length > 0))
    notes.push(
      'secret_environment needs podman 3.2 or later: Debian 11 has an older one, and refuses the instance. Give it as a file by "secrets", or choose hosts with place',
    )
  if (replicas === null)
    notes.push('one instance on every host that fits now; apply it again after adding hosts')
  return notes
}
