import type { Context } from '../../context.ts'
import { limitOption } from '../../options/parsers.ts'
import type { AskingCommand } from '../../output/answers.ts'
import { eventReport, revisionReport, serviceDetailReport, serviceTable } from '../../output/service-views.ts'
import { whyReport } from '../../output/why-report.ts'
import { toInstanceParams } from './instance-name.ts'

const WHY_HELP = `
NAME.SLOT names an instance, such as shop/web.2. The table shows the best hosts with the terms of their scores, and how many
hosts failed at which condition. --host judges one host now, condition by condition.

Examples:
  rollcall service why shop/web.2
  rollcall service why shop/web.2 --host app-3`

export function addServiceViewCommands(service: AskingCommand, context: Context): void {
  const { api } = context
  service
    .command('list', { isDefault: true })
    .description('list services by project and name')
    .option('--project <name>', 'only those of a project')
    .printsAnswer(
      ({ project }: { project?: string }) =>
        api.call('listServices', { query: project === undefined ? {} : { project } }),
      ({ services }) => serviceTable(services),
    )
  service
    .command('show <service>')
    .description('show a service with its instances; SERVICE is PROJECT/NAME')
    .printsAnswer(
      (name: string) => api.call('showService', { params: { service: name } }),
      (detail) => serviceDetailReport(detail),
    )
  service
    .command('why <instance>')
    .description('say why an instance is on its host, or on none')
    .option('--host <name>', 'judge this host too')
    .addHelpText('after', WHY_HELP)
    .printsAnswer(
      (name: string, { host }: { host?: string }) =>
        api.call('explainInstance', {
          params: toInstanceParams(name),
          query: host === undefined ? {} : { host },
        }),
      whyReport,
    )
  service
    .command('revisions <service>')
    .description('list the revisions of a service, and what each has changed')
    .printsAnswer(
      (name: string) => api.call('listServiceRevisions', { params: { service: name } }),
      ({ revisions }) => revisionReport(revisions),
    )
  service
    .command('events <service>')
    .description('list what happened to a service and its instances, newest first')
    .addOption(limitOption('how many events', 500, 100))
    .printsAnswer(
      (name: string, { limit }: { limit?: number }) =>
        api.call('listServiceEvents', {
          params: { service: name },
          query: limit === undefined ? {} : { limit },
        }),
      ({ events }) => eventReport(events),
    )
}
