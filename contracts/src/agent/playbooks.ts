import { z } from 'zod'
import { jsonValue } from '../json.ts'
import { uuid } from '../text.ts'
import { COMMAND_METHODS, commandStatus } from './commands.ts'
import { sha256 } from './file-entries.ts'
import { defineMethod } from './method.ts'

/** The most, in characters of JSON, that the variables of one playbook may take. */
export const MAX_VARIABLES_LENGTH = 256 * 1024

/** A playbook within its project: no absolute path and no way out of the folder. */
export const playbookPath = z
  .string()
  .max(200)
  .regex(
    /^(?!.*(?:^|\/)\.\.?(?:\/|$))[A-Za-z0-9_][A-Za-z0-9_./-]*\.ya?ml$/,
    'must be a relative path to a .yml file',
  )

/** The mark on output lines that report tasks: known to the server and to what writes them. */
export const playbookNonce = z.string().regex(/^[A-Za-z0-9_-]{22,64}$/)

/** The name of a collection of users' own playbooks; the first part of its playbooks' names. */
export const collectionName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,62}$/,
    'must be at most 63 lower-case letters, digits, dashes and underscores, and begin with a letter or digit',
  )

export const playbookVariables = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'must be a name as Ansible takes it'), jsonValue)
  .refine((variables) => JSON.stringify(variables).length <= MAX_VARIABLES_LENGTH, {
    error: `must not take more than ${MAX_VARIABLES_LENGTH} characters of JSON`,
  })

/** A collection of users' own playbooks, in one of its versions. */
export const collectionVersion = z.strictObject({ name: collectionName, version: sha256 })
export type CollectionVersion = z.infer<typeof collectionVersion>

/**
 * One run of Ansible on a host. Installing, upgrading and playbooks send it, over SSH and through the agent alike, and the package
 * `playbooks/host/rollcall_host` reads it: `job.schema.json` there is made from this.
 */
export const ansibleJob = z.strictObject({
  playbook: playbookPath,
  /** The collection that the playbook is of, which must be on the host; left out for what comes with the tools. */
  collection: collectionVersion.optional(),
  /** For `--extra-vars`. They are on the host in a file of mode 0600 for as long as the playbook runs, and nowhere else. */
  extra_vars: playbookVariables.default({}),
  /** Marks the lines of JSON that report tasks; null for the output that Ansible has for people. */
  nonce: playbookNonce.nullable().default(null),
  check: z.boolean().default(false),
  diff: z.boolean().default(false),
  /** The digest of a plan: where `--check` does not give it again, nothing is changed and the exit code is 72. */
  expected_digest: sha256.nullable().default(null),
  /** Seconds after which the host ends it, where nobody else would. */
  timeout: z.number().min(0.1).nullable().default(null),
})
export type AnsibleJob = z.infer<typeof ansibleJob>

export const PLAYBOOK_METHODS = {
  execute_ansible: defineMethod({
    summary:
      'Runs a playbook on the host itself, in the background, as a command of that id: its log, its end, cancelling and releasing are those of any command. The same command_id sent again answers with the state of the first; with another job it is refused as command.id_conflict.',
    params: ansibleJob.extend({
      command_id: uuid,
      /** The version of the tools that hold the playbook; they must be on the host. */
      tools_version: sha256,
      nonce: playbookNonce,
      /** Seconds, as of a command. */
      timeout: COMMAND_METHODS.execute_command.params.shape.timeout,
    }),
    result: z.strictObject({ command_id: uuid, status: commandStatus }),
    reachedBy: ['applyPlan', 'runPlaybook'],
    effect: 'idempotent',
  }),
} as const
