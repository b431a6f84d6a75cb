import type { Permission } from '../access/schemas.ts'
import type { LiveRequest } from './schemas.ts'

/** The topics of `/ws`. Unsubscribing needs no permission. */
export type LiveTopic = Exclude<LiveRequest['type'], `un${string}`>

interface Topic {
  access: Permission
  /** As of a route: `filtered` shows what lies within the caller's scope, else what the message names must lie within it. */
  scope: 'filtered' | { command: 'commandId' } | { run: 'runId' } | { transfer: 'transferId' }
}

/** Who may ask for what on `/ws`; a topic without an entry does not compile. */
export const LIVE_TOPICS: Record<LiveTopic, Topic> = {
  follow: { access: 'commands:read', scope: { command: 'commandId' } },
  'follow-run': { access: 'commands:read', scope: { run: 'runId' } },
  'follow-transfer': { access: 'files:read', scope: { transfer: 'transferId' } },
  'watch-services': { access: 'services:read', scope: 'filtered' },
  'watch-fleet': { access: 'hosts:read', scope: 'filtered' },
}
