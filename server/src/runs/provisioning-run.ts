import { randomUUID } from 'node:crypto'
import type { CommandKind } from '@rollcall/contracts/admin'
import { hashOf, newCommand, WITHOUT_TERMINAL } from '../commands/index.ts'
import type { Host } from '../hosts/index.ts'
import type { NewCommandRun } from './domain/new-run.ts'

const SPEC = {
  env: {},
  cwd: '/',
  timeoutMs: 30 * 60_000,
  startWithinMs: 30 * 60_000,
  ...WITHOUT_TERMINAL,
}

/** Makes an installation, upgrade or removal of a host, yet to be stored; its output is a log like any command's. */
export function newProvisioningRun(
  kind: Extract<CommandKind, 'install' | 'remove' | 'upgrade'>,
  host: Pick<Host, 'id' | 'name'>,
  { requestedBy, createdAt }: Pick<NewCommandRun, 'requestedBy' | 'createdAt'>,
  args: string[] = [],
): NewCommandRun {
  const id = randomUUID()
  const spec = { ...SPEC, program: `${kind}_agent.yml`, args }
  const turn = { position: null, admittedAt: createdAt }
  return {
    id,
    bodyHash: hashOf({ kind, host: host.id, runId: id }),
    requestedBy,
    createdAt,
    kind,
    commands: [newCommand(kind, host, spec, { runId: id, requestedBy, createdAt }, turn)],
  }
}
