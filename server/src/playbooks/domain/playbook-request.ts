import type { PlaybookHost, PlaybookRunView } from '@rollcall/contracts/admin'

export interface PlaybookRequest {
  playbook: string
  mode: PlaybookRunView['mode']
  isDiff: boolean
  /** As it was asked for; `auto` lets the server choose for each host. */
  requestedTransport: PlaybookRunView['via']
  variables: Record<string, unknown>
  planId: string | null
  /** The version of its collection, which it keeps; null for a playbook that comes with the server. */
  version: string | null
}

/** A playbook on one host, as it was requested. */
export interface PlaybookWork extends PlaybookRequest {
  nonce: string
  expectedDigest: string | null
  /** Null until it is started. */
  toolsVersion: string | null
  /** The transport that it was started over; null as long as it certainly was not started. */
  transport: PlaybookHost['way']
}
