import { z } from 'zod'
import { sha256 } from '../../agent/file-entries.ts'
import { releaseSignature } from '../../agent/releases.ts'
import { uuid } from '../../text.ts'
import { defineRoute } from '../route.ts'
import { skippedHost } from '../runs/schemas.ts'
import {
  newUpgrade,
  releaseKeysView,
  releaseView,
  upgradeDetail,
  upgradePlanView,
  upgradeView,
} from './schemas.ts'

const upgradeParam = z.strictObject({ id: uuid })

/** Upgrades of agents, ring by ring. They concern all hosts. */
export const UPGRADES_ROUTES = {
  planUpgrade: defineRoute({
    method: 'POST',
    path: '/api/upgrades/plan',
    summary: 'Says which hosts an upgrade would take in which ring. Nothing is begun.',
    access: 'upgrades:read',
    scope: 'whole-fleet',
    audit: 'always',
    body: newUpgrade,
    response: upgradePlanView,
  }),
  startUpgrade: defineRoute({
    method: 'POST',
    path: '/api/upgrades',
    summary: 'Begins to upgrade agents, ring by ring. It goes on over a restart of the server.',
    access: 'upgrades:write',
    scope: 'whole-fleet',
    audit: 'always',
    status: 202,
    body: newUpgrade,
    response: z.strictObject({ upgrade: upgradeView, skipped: z.array(skippedHost) }),
  }),
  listUpgrades: defineRoute({
    method: 'GET',
    path: '/api/upgrades',
    summary: 'The last hundred upgrades, newest first.',
    access: 'upgrades:read',
    scope: 'whole-fleet',
    audit: 'refusals',
    response: z.strictObject({ upgrades: z.array(upgradeView) }),
  }),
  showUpgrade: defineRoute({
    method: 'GET',
    path: '/api/upgrades/:id',
    summary: 'One upgrade with each of its hosts.',
    access: 'upgrades:read',
    scope: 'whole-fleet',
    audit: 'refusals',
    params: upgradeParam,
    response: upgradeDetail,
  }),
  pauseUpgrade: defineRoute({
    method: 'POST',
    path: '/api/upgrades/:id/pause',
    summary: 'Begins on no further host until it is resumed. Hosts under way go on to their end.',
    access: 'upgrades:write',
    scope: 'whole-fleet',
    audit: 'always',
    params: upgradeParam,
    response: z.strictObject({ upgrade: upgradeView }),
  }),
  resumeUpgrade: defineRoute({
    method: 'POST',
    path: '/api/upgrades/:id/resume',
    summary: 'Goes on with a paused upgrade.',
    access: 'upgrades:write',
    scope: 'whole-fleet',
    audit: 'always',
    params: upgradeParam,
    response: z.strictObject({ upgrade: upgradeView }),
  }),
  cancelUpgrade: defineRoute({
    method: 'POST',
    path: '/api/upgrades/:id/cancel',
    summary: 'Ends an upgrade: no further host begins, and those under way go on to their end.',
    access: 'upgrades:write',
    scope: 'whole-fleet',
    audit: 'always',
    params: upgradeParam,
    response: z.strictObject({ upgrade: upgradeView }),
  }),
  listReleases: defineRoute({
    method: 'GET',
    path: '/api/releases',
    summary: 'The releases of the agent that this server has.',
    access: 'upgrades:read',
    scope: 'none',
    audit: 'refusals',
    response: z.strictObject({ releases: z.array(releaseView) }),
  }),
  addRelease: defineRoute({
    method: 'POST',
    path: '/api/releases',
    summary:
      'Adds a release of the agent out of content that was handed over: an archive as the build makes it. It is read to its end, and kept under the version and for the architecture that it holds. This server alone has it.',
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
  listReleaseKeys: defineRoute({
    method: 'GET',
    path: '/api/release-keys',
    summary: 'The keys that releases of the agent are signed with.',
    access: 'upgrades:read',
    scope: 'none',
    audit: 'refusals',
    response: releaseKeysView,
  }),
  renewReleaseKey: defineRoute({
    method: 'POST',
    path: '/api/release-keys',
    summary:
      'Makes a new key for the servers to sign releases with. A host comes to trust it with its next installation or upgrade, because the key that it trusts now has signed it.',
    access: 'identity:write',
    scope: 'whole-fleet',
    audit: 'always',
    status: 201,
    response: releaseKeysView,
  }),
} as const
