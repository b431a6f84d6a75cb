import { z } from 'zod'
import { neverAnId, plainText, uuid } from '../../text.ts'
import { labelSelector } from '../selector.ts'

/**
 * The permissions. `commands:run` is to start, cancel, feed and save commands; `hosts:write` to add,
 * install, label and remove hosts; `terminals:open` to work on a host by hand; `files:write` to place files on hosts, as
 * root, which is as much as to run something there; `files:read` to see which were; `files:fetch` to read any file of a host, as root;
 * `services:write` to plan, apply, start, stop and remove services, which is to run anything on the hosts of one's scope; `services:exec` to run programs in their containers;
 * `playbooks:run` to run, plan and apply playbooks, which is to be root on the hosts of one's scope; `playbooks:write` to add some of one's own, which is as much as to run anything on any host;
 * `secrets:read` to see which secrets there are, since nothing returns their values; `secrets:write` to set and remove them;
 * `images:write` to add, pull and remove images of containers and to set registries with their passwords;
 * `releases:write` to add a release of the agent, which is as much as to be root where it is installed; `identity:write` to make a new certificate by which all agents know the servers.
 */
export const permission = z.enum([
  'hosts:read',
  'hosts:write',
  'commands:read',
  'commands:run',
  'terminals:open',
  'files:read',
  'files:write',
  'files:fetch',
  'playbooks:read',
  'playbooks:run',
  'playbooks:write',
  'services:read',
  'services:write',
  'services:exec',
  'images:read',
  'images:write',
  'schedules:read',
  'schedules:write',
  'secrets:read',
  'secrets:write',
  'profiles:read',
  'profiles:write',
  'upgrades:read',
  'upgrades:write',
  'releases:write',
  'identity:write',
  'users:read',
  'users:write',
  'keys:read',
  'keys:write',
  'audit:read',
])
export type Permission = z.infer<typeof permission>
export const PERMISSIONS = permission.options

export const role = z.enum(['admin', 'operator', 'viewer'])
export type Role = z.infer<typeof role>

const VIEWER: readonly Permission[] = [
  'hosts:read',
  'commands:read',
  'files:read',
  'playbooks:read',
  'services:read',
  'images:read',
  'schedules:read',
  'secrets:read',
  'profiles:read',
  'upgrades:read',
]

/** The permissions of each role. */
export const ROLE_PERMISSIONS: Record<Role, readonly Permission[]> = {
  admin: PERMISSIONS,
  operator: [
    ...VIEWER,
    'hosts:write',
    'commands:run',
    'terminals:open',
    'files:write',
    'files:fetch',
    'playbooks:run',
    'services:write',
    'services:exec',
    'images:write',
    'schedules:write',
    'secrets:write',
    'profiles:write',
    'upgrades:write',
  ],
  viewer: VIEWER,
}

/** Label selectors that must all match: other hosts do not exist for this principal. Null for all hosts. */
export const hostScope = z.array(labelSelector).min(1).max(10).nullable()

const email = z.email('must be an e-mail address').max(254).toLowerCase()
const personName = neverAnId(plainText(100).min(1))

/** At least twelve characters; what is well known or holds the name is refused by the server. */
export const newPassword = z.string().min(12, 'must be at least 12 characters').max(200)
const givenPassword = z.string().min(1).max(200)
const totpCode = z.string().regex(/^\d{6}$/, 'must be the six digits that the authenticator shows')

/** Who is acting. */
export const principalView = z.strictObject({
  kind: z.enum(['user', 'key', 'local']),
  id: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  role: role.nullable(),
  permissions: z.array(permission),
  /** A key has its own and those of its owner. */
  scope: z.array(labelSelector).nullable(),
})
export type PrincipalView = z.infer<typeof principalView>

export const sessionState = z.strictObject({
  /** Null for somebody who has not signed in. */
  principal: principalView.nullable(),
  /** True while there is no user: the first admin uses the link that the server printed when it started. */
  isSetupNeeded: z.boolean(),
  /** True if the signed-in user has a second factor. */
  hasTotp: z.boolean(),
  /** The label of the single sign-on button; null if there is none. */
  ssoName: z.string().nullable(),
  /** The server's. */
  version: z.string(),
})

export const signIn = z.strictObject({ email, password: givenPassword })
export const signedIn = z.strictObject({
  /** The password was right, and a code is wanted as well. */
  needsTotp: z.boolean(),
  principal: principalView.nullable(),
})
/** A code of the authenticator, or one of the recovery codes. */
export const secondFactor = z.strictObject({
  code: z.string().min(6).max(20),
  isRecoveryCode: z.boolean().default(false),
})
/** Where to send the browser: the provider's own page. */
export const ssoBegun = z.strictObject({ url: z.string() })
/** The query that the provider has appended to the callback page. */
export const ssoCallback = z.strictObject({ callback: z.string().min(1).max(8192) })

export const firstAdmin = z.strictObject({
  token: z.string().min(1).max(200),
  name: personName,
  email,
  password: newPassword,
})
export const acceptInvite = z.strictObject({ token: z.string().min(1).max(200), password: newPassword })
export const changePassword = z.strictObject({ password: givenPassword, newPassword })
export const totpEnrolment = z.strictObject({
  /** Base32, for typing it in. */
  secret: z.string(),
  /** otpauth://…, for a QR code. */
  url: z.string(),
})
export const totpConfirmation = z.strictObject({ code: totpCode })
/** Shown once. */
export const recoveryCodes = z.strictObject({ recoveryCodes: z.array(z.string()) })
export const passwordOnly = z.strictObject({ password: givenPassword })

export const sessionView = z.strictObject({
  id: uuid,
  createdAt: z.iso.datetime(),
  lastSeenAt: z.iso.datetime(),
  address: z.string(),
  userAgent: plainText(300),
  isCurrent: z.boolean(),
})
export type SessionView = z.infer<typeof sessionView>

export const userView = z.strictObject({
  id: uuid,
  email: z.string(),
  name: z.string(),
  role,
  scope: hostScope,
  isDisabled: z.boolean(),
  /** False until the invitation was taken up. */
  hasPassword: z.boolean(),
  hasTotp: z.boolean(),
  lastSignInAt: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
  /** Counts changes, so that two people who edit at the same time notice. */
  version: z.int(),
})
export type UserView = z.infer<typeof userView>

export const newUser = z.strictObject({ email, name: personName, role, scope: hostScope.default(null) })
/** Fields that are left out stay. `version` is that of the user as it was read. */
export const userChange = z.strictObject({
  version: z.int(),
  name: personName.optional(),
  role: role.optional(),
  scope: hostScope.optional(),
  isDisabled: z.boolean().optional(),
})
/** A link that works once, to be given to the person. */
export const userWithLink = z.strictObject({ user: userView, link: z.string(), expiresAt: z.iso.datetime() })

export const keyView = z.strictObject({
  id: uuid,
  name: z.string(),
  /** `local` is the key of the server's own command line. */
  kind: z.enum(['local', 'key']),
  /** The permissions that it was given. */
  permissions: z.array(permission),
  /** The permissions that count now: no more than those of its owner and of the key that made it; none if one of them has ended. */
  permissionsNow: z.array(permission),
  scope: hostScope,
  /** Its owner; null for a server's own key and keys made with it. */
  owner: z.strictObject({ id: uuid, name: z.string(), email: z.string() }).nullable(),
  /** The key that it was made with, and with which it ends. */
  parent: z.string().nullable(),
  createdBy: z.string().nullable(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
  lastUsedAt: z.iso.datetime().nullable(),
})
export type KeyView = z.infer<typeof keyView>

export const newKey = z.strictObject({
  name: neverAnId(
    z
      .string()
      .min(1)
      .max(63)
      .regex(/^[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?$/, 'must be letters, digits, dots and dashes')
      .regex(/^(?!local-)/, 'must not begin with "local-", as the names of servers\' own keys do'),
  ),
  permissions: z.array(permission).min(1),
  scope: hostScope.default(null),
  /** The e-mail address of the owner. Only a server's own key may name another owner. */
  owner: email.optional(),
  /** In days from now; null for never. A key that a key makes ends with that one at the latest. */
  expiresInDays: z.int().min(1).max(3650).nullable().default(90),
})
