import { z } from 'zod'
import { sha256 } from '../../agent/file-entries.ts'
import { releaseSignature } from '../../agent/releases.ts'
import { defineRoute, idParam } from '../route.ts'
import { skippedHost } from '../runs/schemas.ts'
import {
  newUpgrade,
  releaseKeysView,
  releaseView,
  upgradeDetail,
  upgradePlanView,
  upgradeView,
} from './schemas.ts'

/** Upgrades of agents, ring by ring. They concern all hosts. */
export const UPGRADES_ROUTES = {
  planUpgrade: defineRoute('POST', '/api/upgrades/plan', {
    summary: 'Returns the hosts of each ring of an upgrade. Nothing is started.',
    access: 'upgrades:read',
    scope: 'whole-fleet',
    audit: 'always',
    body: newUpgrade,
    response: upgradePlanView,
  }),
  startUpgrade: defineRoute('POST', '/api/upgrades', {
    summary: 'Starts an upgrade of agents, ring by ring. It continues through restarts of the server.',
    access: 'upgrades:write',
    scope: 'whole-fleet',
    audit: 'always',
    status: 202,
    body: newUpgrade,
    response: z.strictObject({ upgrade: upgradeView, skipped: z.array(skippedHost) }),
  }),
  listUpgrades: defineRoute('GET', '/api/upgrades', {
    summary: 'Lists the last hundred upgrades, newest first.',
    access: 'upgrades:read',
    scope: 'whole-fleet',
    audit: 'refusals',
    response: z.strictObject({ upgrades: z.array(upgradeView) }),
  }),
  showUpgrade: defineRoute('GET', '/api/upgrades/:id', {
    summary: 'Returns an upgrade with its hosts.',
    access: 'upgrades:read',
    scope: 'whole-fleet',
    audit: 'refusals',
    params: idParam,
    response: upgradeDetail,
  }),
  pauseUpgrade: defineRoute('POST', '/api/upgrades/:id/pause', {
    summary: 'Starts on no further host until the upgrade is resumed. Hosts under way are finished.',
    access: 'upgrades:write',
    scope: 'whole-fleet',
    audit: 'always',
    params: idParam,
    response: z.strictObject({ upgrade: upgradeView }),
  }),
  resumeUpgrade: defineRoute('POST', '/api/upgrades/:id/resume', {
    summary: 'Continues a paused upgrade.',
    access: 'upgrades:write',
    scope: 'whole-fleet',
    audit: 'always',
    params: idParam,
    response: z.strictObject({ upgrade: upgradeView }),
  }),
  cancelUpgrade: defineRoute('POST', '/api/upgrades/:id/cancel', {
    summary: 'Cancels an upgrade: it starts on no further host, and hosts under way are finished.',
    access: 'upgrades:write',
    scope: 'whole-fleet',
    audit: 'always',
    params: idParam,
    response: z.strictObject({ upgrade: upgradeView }),
  }),
  listReleases: defineRoute('GET', '/api/releases', {
    summary: 'Lists the agent releases of this server.',
    access: 'upgrades:read',
    scope: 'none',
    audit: 'refusals',
    response: z.strictObject({ releases: z.array(releaseView) }),
  }),
  addRelease: defineRoute('POST', '/api/releases', {
    summary:
      'Adds an agent release from uploaded content: an archive as the build makes it. It is read completely and kept by its version and architecture, on this server only.',
    access: 'releases:write',
    scope: 'whole-fleet',
    audit: 'always',
    status: 201,
    body: z.strictObject({
      sha256,
      /** The operator's, as "rollcall release sign" makes it. */
      signature: releaseSignature.optional(),
    }),
    response: z.strictObject({ isNew: z.boolean(), releases: z.array(releaseView) }),
  }),
  listReleaseKeys: defineRoute('GET', '/api/release-keys', {
    summary: 'Lists the keys that agent releases are signed with.',
    access: 'upgrades:read',
    scope: 'none',
    audit: 'refusals',
    response: releaseKeysView,
  }),
  renewReleaseKey: defineRoute('POST', '/api/release-keys', {
    summary:
      'Creates a new key for the servers to sign releases with. A host trusts it from its next installation or upgrade on, because the key it trusts now has signed it.',
    access: 'identity:write',
    scope: 'whole-fleet',
    audit: 'always',
    status: 201,
    response: releaseKeysView,
  }),
} as const
