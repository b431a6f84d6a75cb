import { Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import { AccessService, may, type PrincipalRef, RightsWatch, ScopeRepository } from '../access/index.ts'
import { CommandsService, type OpenTerminal, TerminalWritersRepository } from '../commands/index.ts'
import { LOGGER, type Logger } from '../platform/log.ts'

/** Ends the terminals of those who may not have them any more: a shell would go on for twelve hours without them. */
@Injectable()
export class TerminalRights implements OnModuleInit {
  constructor(
    private readonly terminals: TerminalWritersRepository,
    private readonly commands: CommandsService,
    private readonly access: AccessService,
    private readonly scopes: ScopeRepository,
    private readonly rights: RightsWatch,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onModuleInit() {
    this.rights.watch(() => this.recheck())
  }

  /** Every server does it; a terminal that another one has ended already is not found any more. */
  async recheck(): Promise<void> {
    const byOpener = Map.groupBy(await this.terminals.open(), ({ opener }) => `${opener.kind} ${opener.id}`)
    for (const opened of byOpener.values()) {
      const [first] = opened
      if (first) await this.endLost(first.opener, opened)
    }
  }

  private async endLost(opener: PrincipalRef, opened: readonly OpenTerminal[]): Promise<void> {
    const principal = await this.access.findByRef(opener)
    const hostIds = [...new Set(opened.map(({ hostId }) => hostId))]
    const allowed =
      principal && may(principal, 'terminals:open')
        ? await this.scopes.filterExisting('host', principal.scope, hostIds)
        : new Set<string>()
    for (const { commandId, hostId } of opened) {
      if (allowed.has(hostId)) continue
      this.log.info({ commandId, opener }, 'a terminal ends: who opened it may not have it any more')
      await this.commands.cancel(commandId)
    }
  }
}
