import { issueInWords, type SchemaIssue } from './schema-issue.ts'
export type ErrorKind = 'rejected' | 'unavailable' | 'defect'
export type Speaker = 'agent' | 'server'

type ErrorEntry = { saidBy: readonly [Speaker, ...Speaker[]] } & (
  | { kind: 'rejected'; status: 400 | 401 | 403 | 404 | 409 | 410 | 413 | 429 | 502; retry: false }
  | { kind: 'unavailable'; status: 503; retry: boolean }
  | { kind: 'defect'; status: 500 | 502; retry: false }
)

/**
 * Lists every error code of the product with its facts; everything that depends on a code derives from its entry.
 * - `kind`: who must act. `rejected`: the caller, since a repeated request is refused again. `unavailable`: no one; try again later.
 *   `defect`: the developers.
 * - `status`: the HTTP status. 404 if a resource does not exist, 409 if its state conflicts with the request.
 * - `saidBy`: who may send the code. An agent's error with a code of the server alone is invalid.
 * - `retry`: whether an automatic retry is safe. False after a possible partial effect.
 *
 * Codes are stable, because scripts match on them. Messages may change.
 */
export const ERRORS = {
  // The request itself
  'request.invalid': { kind: 'rejected', status: 400, saidBy: ['agent', 'server'], retry: false },
  'request.unauthenticated': { kind: 'rejected', status: 401, saidBy: ['server'], retry: false },
  'request.forbidden': { kind: 'rejected', status: 403, saidBy: ['server'], retry: false },
  'request.not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'request.too_large': { kind: 'rejected', status: 413, saidBy: ['agent', 'server'], retry: false },
  // Who may do what
  'access.wrong_credentials': { kind: 'rejected', status: 401, saidBy: ['server'], retry: false },
  'access.locked_out': { kind: 'rejected', status: 429, saidBy: ['server'], retry: false },
  'access.code_wrong': { kind: 'rejected', status: 401, saidBy: ['server'], retry: false },
  'access.link_invalid': { kind: 'rejected', status: 403, saidBy: ['server'], retry: false },
  'access.weak_password': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'access.last_admin': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'access.changed_meanwhile': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'access.outside_scope': { kind: 'rejected', status: 403, saidBy: ['server'], retry: false },
  'access.owner_lost': { kind: 'rejected', status: 403, saidBy: ['server'], retry: false },
  'access.beyond_own': { kind: 'rejected', status: 403, saidBy: ['server'], retry: false },
  'access.sso_failed': { kind: 'rejected', status: 401, saidBy: ['server'], retry: false },
  'access.sso_refused': { kind: 'rejected', status: 403, saidBy: ['server'], retry: false },
  'access.sso_unavailable': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: true },
  'user.not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'user.email_taken': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'key.not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'key.name_taken': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  // Hosts
  'host.changed_meanwhile': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'host.not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'host.name_taken': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'host.address_refused': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'host.busy': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'host.not_installed': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'host.none_selected': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'host.key_changed': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'host.unsupported_architecture': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'host.unsupported_libc': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'host.no_systemd': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'host.no_python': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'host.no_sudo': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'host.sudo_password_wrong': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'host.no_disk': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'host.read_only': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'host.same_machine': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'host.agent_taken': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'host.port_taken': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'host.no_free_port': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'host.preflight_unreadable': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  // SSH
  'ssh.auth_failed': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'ssh.key_unreadable': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'ssh.no_algorithm': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'ssh.no_shell': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'ssh.no_session': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'ssh.transfer_failed': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'ssh.unreachable': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: true },
  'ssh.connection_lost': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: true },
  // Installing and removing
  'install.playbook_failed': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'install.agent_silent': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: true },
  // Upgrades of agents
  'upgrade.not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'upgrade.ended': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'upgrade.refused': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'upgrade.rolled_back': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'upgrade.stranded': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: false },
  'release.not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'release.refused': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'release.unsigned': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'release.exists': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  // Heartbeats
  'heartbeat.profile_not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'heartbeat.profile_taken': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'heartbeat.profile_in_use': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'host.cpu_high': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: false },
  'host.memory_high': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: false },
  'host.tasks_failing': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: false },
  // Talking to an agent
  'agent.unreachable': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: true },
  'agent.overloaded': { kind: 'unavailable', status: 503, saidBy: ['agent'], retry: true },
  'agent.credentials_refused': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'agent.identity_changed': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'agent.defect': { kind: 'defect', status: 502, saidBy: ['agent'], retry: false },
  'agent.invalid_answer': { kind: 'rejected', status: 502, saidBy: ['server'], retry: false },
  'agent.method_unknown': { kind: 'rejected', status: 409, saidBy: ['agent', 'server'], retry: false },
  // Rotating credentials
  'credentials.conflict': { kind: 'rejected', status: 409, saidBy: ['agent'], retry: false },
  'credentials.not_staged': { kind: 'rejected', status: 409, saidBy: ['agent', 'server'], retry: false },
  'credentials.not_proven': { kind: 'rejected', status: 409, saidBy: ['agent'], retry: false },
  'credentials.not_written': { kind: 'unavailable', status: 503, saidBy: ['agent'], retry: true },
  // Commands
  'command.not_found': { kind: 'rejected', status: 404, saidBy: ['agent', 'server'], retry: false },
  'command.id_conflict': { kind: 'rejected', status: 409, saidBy: ['agent', 'server'], retry: false },
  'command.not_running': { kind: 'rejected', status: 409, saidBy: ['agent', 'server'], retry: false },
  'command.no_input': { kind: 'rejected', status: 409, saidBy: ['agent', 'server'], retry: false },
  'command.no_terminal': { kind: 'rejected', status: 409, saidBy: ['agent', 'server'], retry: false },
  'terminal.not_joined': { kind: 'rejected', status: 403, saidBy: ['server'], retry: false },
  'command.server_ended': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: false },
  'command.start_failed': { kind: 'rejected', status: 400, saidBy: ['agent'], retry: false },
  'command.output_gone': { kind: 'rejected', status: 410, saidBy: ['agent', 'server'], retry: false },
  'command.never_started': { kind: 'unavailable', status: 503, saidBy: ['agent', 'server'], retry: true },
  'command.host_restarted': { kind: 'unavailable', status: 503, saidBy: ['agent'], retry: false },
  'command.runner_died': { kind: 'unavailable', status: 503, saidBy: ['agent'], retry: false },
  'command.unanswered': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: false },
  // Files
  'file.transfer_unknown': { kind: 'rejected', status: 404, saidBy: ['agent'], retry: false },
  'file.id_conflict': { kind: 'rejected', status: 409, saidBy: ['agent', 'server'], retry: false },
  'file.not_found': { kind: 'rejected', status: 404, saidBy: ['agent'], retry: false },
  'file.path_refused': { kind: 'rejected', status: 400, saidBy: ['agent', 'server'], retry: false },
  'file.not_regular': { kind: 'rejected', status: 400, saidBy: ['agent'], retry: false },
  'file.denied': { kind: 'rejected', status: 400, saidBy: ['agent'], retry: false },
  'file.owner_unknown': { kind: 'rejected', status: 400, saidBy: ['agent'], retry: false },
  'file.disk_full': { kind: 'rejected', status: 400, saidBy: ['agent'], retry: false },
  'file.too_many': { kind: 'rejected', status: 400, saidBy: ['agent'], retry: false },
  'file.chunk_invalid': { kind: 'rejected', status: 400, saidBy: ['agent'], retry: false },
  'file.content_gone': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'file.content_wrong': { kind: 'unavailable', status: 503, saidBy: ['agent', 'server'], retry: false },
  'file.changed': { kind: 'unavailable', status: 503, saidBy: ['agent'], retry: true },
  'file.worker_died': { kind: 'unavailable', status: 503, saidBy: ['agent'], retry: false },
  'file.stalled': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: true },
  'transfer.not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  // Playbooks
  'playbook.not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'playbook.unreadable': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'playbook.plan_outdated': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'playbook.not_a_plan': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'playbook.task_failed': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'playbook.no_tools': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'collection.not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'collection.refused': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'collection.in_use': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'collection.too_many': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'collection.git_failed': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: true },
  // Services
  'service.invalid': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'service.key_unsupported': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'service.cycle': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'service.not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'service.plan_not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'service.plan_outdated': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'service.outside_scope': { kind: 'rejected', status: 403, saidBy: ['server'], retry: false },
  'service.unit_missing': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'service.volume_not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'instance.not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'service.order_too_large': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'instance.order_invalid': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'instance.generation_old': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'instance.port_taken': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'instance.mount_missing': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'instance.host_full': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'instance.image_missing': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'instance.fence_unsupported': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'instance.engine_missing': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'instance.start_failed': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'instance.stop_failed': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'instance.step_failed': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'instance.unknown': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'instance.no_container': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'instance.too_many_logs': { kind: 'rejected', status: 429, saidBy: ['server'], retry: false },
  'instance.not_on_host': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'host.container_storage_broken': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'host.has_instances': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  // Secrets
  'secret.not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'secret.in_use': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'secret.too_many': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  // Images
  'image.not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'image.refused': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'image.architecture': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'image.in_use': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'image.elsewhere': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: true },
  'image.pull_not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'image.pull_stopped': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: true },
  'registry.not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'registry.credentials_refused': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'registry.refused': { kind: 'rejected', status: 502, saidBy: ['server'], retry: false },
  'registry.unavailable': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: true },
  // Runs
  'run.not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'run.stopped': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  // Saved commands and schedules
  'saved_command.not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'saved_command.name_taken': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'saved_command.sealed': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'saved_command.in_use': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  'schedule.not_found': { kind: 'rejected', status: 404, saidBy: ['server'], retry: false },
  'schedule.name_taken': { kind: 'rejected', status: 409, saidBy: ['server'], retry: false },
  // The server
  'server.overloaded': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: true },
  'server.files_full': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: true },
  'server.database_unavailable': { kind: 'unavailable', status: 503, saidBy: ['server'], retry: true },
  'server.master_key_wrong': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'server.config_invalid': { kind: 'rejected', status: 400, saidBy: ['server'], retry: false },
  'server.defect': { kind: 'defect', status: 500, saidBy: ['server'], retry: false },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof ERRORS

/** Says whether a failed operation may have had an effect. If `unknown`, ask by id before repeating it. */
export type Outcome = 'not-applied' | 'unknown'

/** An invalid field of a request: its path, and what is wrong and what would be right. */
export interface FieldError {
  field: string
  message: string
}

interface ErrorDetails {
  /** Set only for `unavailable`; the default is `not-applied`. */
  outcome?: Outcome
  fields?: FieldError[]
  cause?: unknown
}

/**
 * The only error class of the product. `message` says what happened and what to do next, and never contains a secret.
 */
export class RollcallError extends Error {
  readonly code: ErrorCode
  readonly kind: ErrorKind
  readonly outcome: Outcome
  readonly fields: FieldError[]

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause })
    this.name = 'RollcallError'
    this.code = code
    this.kind = ERRORS[code].kind
    this.outcome = details.outcome ?? 'not-applied'
    this.fields = details.fields ?? []
  }
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(ERRORS, text)
}

/** Returns whether this sender may use the code. Returns false if it is not a code. */
export function maySay(speaker: Speaker, code: unknown): code is ErrorCode {
  return isErrorCode(code) && (ERRORS[code].saidBy as readonly Speaker[]).includes(speaker)
}

/** Returns whether a retry may succeed. A code of another release is judged by its kind. */
export function mayPass({ code, kind }: { code?: string | null | undefined; kind?: ErrorKind }): boolean {
  return isErrorCode(code) ? ERRORS[code].retry : kind === 'unavailable'
}

/** Converts zod issues to at most twenty field errors, one per field. `root` names the value itself. */
export function fieldErrors(issues: readonly SchemaIssue[], root = 'body'): FieldError[] {
  const faults = new Map<string, string>()
  for (const issue of issues)
    if (issue.code === 'unrecognized_keys')
      for (const key of issue.keys ?? [])
        faults.set([...issue.path, key].map(String).join('.'), 'is not a known field; remove it')
    else {
      const field = issue.path.map(String).join('.') || root
      // The first issue is the most specific one.
      if (!faults.has(field)) faults.set(field, issueInWords(issue))
    }
  return [...faults].slice(0, 20).map(([field, message]) => ({ field, message }))
}
