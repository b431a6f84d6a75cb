import { z } from 'zod'
import { uuid } from '../../text.ts'
import { MAX_REPLICAS, serviceName, slot } from './names.ts'
import { instanceMark } from './schemas.ts'

export const serviceAction = z.enum(['start', 'stop', 'restart', 'remove'])
export type ServiceAction = z.infer<typeof serviceAction>

/** An operation on a service, or on some of its instances. */
export const newServiceOperation = z
  .strictObject({
    /** Chosen by the caller: the same id again does nothing more. Generated if missing. */
    operationId: uuid.optional(),
    action: serviceAction,
    /** Left out for the whole service. Only a whole service is removed; single slots go by `replicas`. */
    slots: z.array(slot).min(1).max(MAX_REPLICAS).optional(),
    /** Volumes that go with a service that is removed, each by its name on the host; all others stay. */
    removedVolumes: z.array(z.string().min(1).max(255)).max(200).optional(),
  })
  .superRefine(({ action, slots, removedVolumes }, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (action === 'remove' && slots !== undefined)
      refuse(
        'slots',
        'must be left out: a service is removed as a whole; have fewer slots by deploy.replicas',
      )
    if (action !== 'remove' && removedVolumes !== undefined)
      refuse('removedVolumes', 'is for the action "remove" only')
  })
export type NewServiceOperation = z.infer<typeof newServiceOperation>

export const serviceOperated = z.strictObject({
  operationId: uuid,
  /** The instances that it is about, by slot. */
  instances: z.array(instanceMark),
})

export const newInstanceLogs = z.strictObject({
  /** Chosen by the caller, as of a run; generated if missing. */
  commandId: uuid.optional(),
  /** Left out for all of its containers. */
  container: serviceName.optional(),
  /** How many of the latest lines. */
  lines: z.int().min(0).max(10_000).default(200),
  since: z.iso.datetime().optional(),
  /** Goes on until it is cancelled; for whoever may not cancel commands at most a quarter of an hour. */
  follow: z.boolean().default(false),
})
export type NewInstanceLogs = z.output<typeof newInstanceLogs>

export const newServiceLogs = newInstanceLogs.omit({ commandId: true }).extend({
  /** One id makes those of all commands: asked again, they are the same. Generated if missing. */
  requestId: uuid.optional(),
  /** Left out for all slots. */
  slots: z.array(slot).min(1).max(100).optional(),
})
export type NewServiceLogs = z.output<typeof newServiceLogs>

export const newInstanceExec = z.strictObject({
  commandId: uuid.optional(),
  /** Left out for the first container that is no job. */
  container: serviceName.optional(),
  argv: z
    .array(z.string().max(32 * 1024))
    .min(1)
    .max(1000),
  tty: z.boolean().default(false),
  columns: z.int().min(1).max(1000).default(80),
  rows: z.int().min(1).max(1000).default(24),
  /** Keeps standard input open. */
  stdin: z.boolean().default(false),
})
export type NewInstanceExec = z.output<typeof newInstanceExec>
