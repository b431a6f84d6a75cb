import { randomUUID } from 'node:crypto'
import type { AdminResponse, ServiceAction } from '@rollcall/contracts/admin'
import { retrying } from '../../api/retry.ts'
import type { Context } from '../../context.ts'
import { giveUpAfterMs } from '../../live/give-up.ts'
import { collectNames } from '../../options/parsers.ts'
import type { AskingCommand } from '../../output/answers.ts'
import { toServiceParams } from './instance-name.ts'

interface RemoveOptions {
  withVolumes?: string[]
}

const DESCRIPTIONS = {
  start: 'start a service, or one of its instances',
  stop: 'stop a service, or one of its instances; it stays on its host, and its volumes stay',
  restart: 'restart a service one instance after the other, or one instance',
} as const

const REMOVE_HELP = `
Volumes stay, with their data, unless --with-volumes names them. A single slot is removed by fewer deploy.replicas.

Examples:
  rollcall service remove shop/web
  rollcall service remove shop/db --with-volumes shop_data`

export function addServiceOperationCommands(service: AskingCommand, context: Context): void {
  for (const action of ['start', 'stop', 'restart'] as const)
    service
      .command(`${action} <service|instance>`)
      .description(DESCRIPTIONS[action])
      .reportsChange(
        (name: string) => operate(context, name, action),
        (answer) => toNotice(action, answer),
      )
  service
    .command('remove <service>')
    .description('remove a service with all of its instances')
    .option('--with-volumes <names>', 'volumes whose data goes too, by their names on hosts', collectNames)
    .addHelpText('after', REMOVE_HELP)
    .reportsChange(
      (name: string, { withVolumes }: RemoveOptions) => operate(context, name, 'remove', withVolumes),
      (answer) => toNotice('remove', answer),
    )
}

/** Asks for an operation by an id of our own, so that one whose answer was lost is not done twice. */
function operate(
  { api, env }: Context,
  name: string,
  action: ServiceAction,
  removedVolumes?: string[],
): Promise<AdminResponse<'operateService'>> {
  const { service, slot } = toServiceParams(name)
  const body = {
    operationId: randomUUID(),
    action,
    ...(slot !== undefined && { slots: [slot] }),
    ...(removedVolumes !== undefined && { removedVolumes }),
  }
  return retrying(() => api.call('operateService', { params: { service }, body }), {
    forMs: giveUpAfterMs(env),
    signal: new AbortController().signal,
  })
}

function toNotice(action: ServiceAction, { instances }: AdminResponse<'operateService'>): string {
  const slots = instances.map(({ slot, host }) => `.${slot}${host === null ? '' : ` on ${host.name}`}`)
  return `${action} was accepted for ${slots.length === 0 ? 'no instance' : slots.join(', ')}`
}
