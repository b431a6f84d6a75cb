/**
 * Every error code of the product, with who must act on it:
 * - `rejected`: the caller; the same request will be refused again.
 * - `unavailable`: nobody; try again later.
 * - `defect`: us.
 *
 * Codes are stable: scripts match on them. Messages are for people and may change.
 */
export const ERROR_KINDS = {
  // The request itself
  'request.invalid': 'rejected',
  'request.unauthenticated': 'rejected',
  'request.forbidden': 'rejected',
  'request.not_found': 'rejected',
  'request.too_large': 'rejected',
  // Who may do what
  'access.wrong_credentials': 'rejected',
  'access.locked_out': 'rejected',
  'access.code_wrong': 'rejected',
  'access.link_invalid': 'rejected',
  'access.weak_password': 'rejected',
  'access.last_admin': 'rejected',
  'access.changed_meanwhile': 'rejected',
  'access.outside_scope': 'rejected',
  'access.beyond_own': 'rejected',
  'access.sso_failed': 'rejected',
  'access.sso_refused': 'rejected',
  'access.sso_unavailable': 'unavailable',
  'user.not_found': 'rejected',
  'user.email_taken': 'rejected',
  'key.not_found': 'rejected',
  'key.name_taken': 'rejected',
  // Hosts
  'host.changed_meanwhile': 'rejected',
  'host.not_found': 'rejected',
  'host.name_taken': 'rejected',
  'host.busy': 'rejected',
  'host.not_installed': 'rejected',
  'host.none_selected': 'rejected',
  'host.key_changed': 'rejected',
  'host.unsupported_architecture': 'rejected',
  'host.unsupported_libc': 'rejected',
  'host.no_systemd': 'rejected',
  'host.no_python': 'rejected',
  'host.no_sudo': 'rejected',
  'host.sudo_password_wrong': 'rejected',
  'host.no_disk': 'rejected',
  'host.read_only': 'rejected',
  'host.port_taken': 'rejected',
  'host.no_free_port': 'rejected',
  'host.preflight_unreadable': 'rejected',
  // SSH
  'ssh.auth_failed': 'rejected',
  'ssh.key_unreadable': 'rejected',
  'ssh.no_sftp': 'rejected',
  'ssh.unreachable': 'unavailable',
  'ssh.connection_lost': 'unavailable',
  // Installing and removing
  'install.playbook_failed': 'rejected',
  'install.agent_silent': 'unavailable',
  'install.interrupted': 'unavailable',
  // Upgrades of agents
  'upgrade.not_found': 'rejected',
  'upgrade.ended': 'rejected',
  'upgrade.refused': 'rejected',
  'upgrade.rolled_back': 'rejected',
  'upgrade.stranded': 'unavailable',
  'release.not_found': 'rejected',
  'release.invalid': 'rejected',
  'release.refused': 'rejected',
  'release.exists': 'rejected',
  // Heartbeats
  'heartbeat.profile_not_found': 'rejected',
  'heartbeat.profile_taken': 'rejected',
  'heartbeat.profile_in_use': 'rejected',
  'host.cpu_high': 'unavailable',
  'host.memory_high': 'unavailable',
  'host.tasks_failing': 'unavailable',
  // Talking to an agent
  'agent.unreachable': 'unavailable',
  'agent.overloaded': 'unavailable',
  'agent.credentials_refused': 'rejected',
  'agent.identity_changed': 'rejected',
  'agent.invalid_answer': 'rejected',
  'agent.method_unknown': 'rejected',
  // Rotating credentials
  'credentials.conflict': 'rejected',
  'credentials.not_staged': 'rejected',
  'credentials.not_proven': 'rejected',
  'credentials.not_written': 'unavailable',
  // Commands
  'command.not_found': 'rejected',
  'command.id_conflict': 'rejected',
  'command.not_running': 'rejected',
  'command.no_input': 'rejected',
  'command.no_terminal': 'rejected',
  'command.server_ended': 'unavailable',
  'command.start_failed': 'rejected',
  'command.output_gone': 'rejected',
  'command.never_started': 'unavailable',
  'command.host_restarted': 'unavailable',
  'command.runner_died': 'unavailable',
  'command.unanswered': 'unavailable',
  // Files
  'file.transfer_unknown': 'rejected',
  'file.id_conflict': 'rejected',
  'file.not_found': 'rejected',
  'file.path_refused': 'rejected',
  'file.not_regular': 'rejected',
  'file.denied': 'rejected',
  'file.owner_unknown': 'rejected',
  'file.disk_full': 'rejected',
  'file.too_many': 'rejected',
  'file.chunk_invalid': 'rejected',
  'file.content_gone': 'rejected',
  'file.content_wrong': 'unavailable',
  'file.changed': 'unavailable',
  'file.worker_died': 'unavailable',
  'file.stalled': 'unavailable',
  'transfer.not_found': 'rejected',
  // Playbooks
  'playbook.not_found': 'rejected',
  'playbook.unreadable': 'rejected',
  'playbook.plan_outdated': 'rejected',
  'playbook.not_a_plan': 'rejected',
  'playbook.task_failed': 'rejected',
  'playbook.no_tools': 'rejected',
  'collection.not_found': 'rejected',
  'collection.refused': 'rejected',
  'collection.too_many': 'rejected',
  'collection.git_failed': 'unavailable',
  // Runs
  'run.not_found': 'rejected',
  'run.stopped': 'rejected',
  // Saved commands and schedules
  'saved_command.not_found': 'rejected',
  'saved_command.name_taken': 'rejected',
  'saved_command.in_use': 'rejected',
  'schedule.not_found': 'rejected',
  'schedule.name_taken': 'rejected',
  // The server
  'server.starting': 'unavailable',
  'server.stopping': 'unavailable',
  'server.overloaded': 'unavailable',
  'server.files_full': 'unavailable',
  'server.database_unavailable': 'unavailable',
  'server.master_key_wrong': 'rejected',
  'server.config_invalid': 'rejected',
  'server.defect': 'defect',
} as const satisfies Record<string, ErrorKind>

export type ErrorKind = 'rejected' | 'unavailable' | 'defect'
export type ErrorCode = keyof typeof ERROR_KINDS

/** Whether a thing that failed may have happened all the same: ask again by id before doing it anew. */
export type Outcome = 'not-applied' | 'unknown'

/** One wrong field of a request: its path, what is wrong with the value, and what would be right. */
export interface FieldError {
  field: string
  message: string
}

interface ErrorDetails {
  /** Only for `unavailable`; the default is `not-applied`. */
  outcome?: Outcome
  fields?: FieldError[]
  cause?: unknown
}

/** The one error class of the product. `message` says what happened and what to do next, and never holds a secret. */
export class RollcallError extends Error {
  readonly code: ErrorCode
  readonly kind: ErrorKind
  readonly outcome: Outcome
  readonly fields: FieldError[]

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause })
    this.name = 'RollcallError'
    this.code = code
    this.kind = ERROR_KINDS[code]
    this.outcome = details.outcome ?? 'not-applied'
    this.fields = details.fields ?? []
  }
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(ERROR_KINDS, text)
}

interface SchemaIssue {
  code?: string | undefined
  path: PropertyKey[]
  message: string
  keys?: string[] | undefined
}

/** Turns what zod found into fields a person can correct, at most twenty. `root` names the value itself. */
export function fieldErrors(issues: readonly SchemaIssue[], root = 'body'): FieldError[] {
  return issues
    .flatMap((issue): FieldError[] =>
      issue.code === 'unrecognized_keys'
        ? (issue.keys ?? []).map((key) => ({
            field: [...issue.path, key].map(String).join('.'),
            message: 'is not a known field; remove it',
          }))
        : [{ field: issue.path.map(String).join('.') || root, message: issue.message }],
    )
    .slice(0, 20)
}
