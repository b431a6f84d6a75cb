import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import type { newTerminal } from '@rollcall/contracts/admin'
import type { z } from 'zod'
import { type Principal, toRef } from '../access/index.ts'
import { type Command, type CommandSpec, hashOf } from '../commands/index.ts'
import { HostsService } from '../hosts/index.ts'
import { RunsService } from '../runs/index.ts'

/** A forgotten terminal ends after this long. */
const LIFE_MS = 12 * 3_600_000
const START_WITHIN_MS = 30_000

/** Becomes root's own shell, in root's home and with its login files; the better of two where root has none to log in with. */
const LOGIN = `cd ~ 2>/dev/null || cd /
case "\${SHELL##*/}" in nologin | false | '') ;; *) if [ -x "$SHELL" ]; then exec "$SHELL" -l; fi ;; esac
if [ -x /bin/bash ]; then exec /bin/bash -l; else exec /bin/sh -l; fi`

const SHELL = {
  program: 'sh',
  args: ['-c', LOGIN],
  cwd: '/',
  timeoutMs: LIFE_MS,
  startWithinMs: START_WITHIN_MS,
  env: { TERM: 'xterm-256color', COLORTERM: 'truecolor' },
  tty: true,
  stdin: false,
} satisfies Omit<CommandSpec, 'columns' | 'rows'>

/** Shells for people: through the agent, or over SSH where there is none. */
@Injectable()
export class TerminalsService {
  constructor(
    private readonly runs: RunsService,
    private readonly hosts: HostsService,
  ) {}

  async open(hostId: string, request: z.output<typeof newTerminal>, actor: Principal): Promise<Command> {
    const { terminalId: runId = randomUUID(), columns, rows, via } = request
    const { commands } = await this.runs.accept(runId, hashOf({ host: hostId, runId }), actor, async () => ({
      requestedBy: actor.name,
      requester: toRef(actor),
      kind: await this.kindFor(hostId, via),
      scope: actor.scope,
      spec: { ...SHELL, columns, rows },
      target: { hosts: [hostId] },
      limits: null,
    }))
    return commands[0] as Command
  }

  private async kindFor(
    hostId: string,
    transport: 'auto' | 'agent' | 'ssh',
  ): Promise<'terminal' | 'ssh_terminal'> {
    if (transport !== 'auto') return transport === 'agent' ? 'terminal' : 'ssh_terminal'
    return (await this.hosts.show(hostId)).isInstalled ? 'terminal' : 'ssh_terminal'
  }
}
