import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { secretName, secretVersionView, secretView, settableSecret } from './schemas.ts'

const nameParam = z.strictObject({ name: secretName })

/** Secrets of services. No route returns a value. */
export const SECRETS_ROUTES = {
  listSecrets: defineRoute('GET', '/api/secrets', {
    summary: 'Lists secrets by name, without their values.',
    access: 'secrets:read',
    scope: 'whole-fleet',
    audit: 'refusals',
    response: z.strictObject({ secrets: z.array(secretView) }),
  }),
  setSecret: defineRoute('POST', '/api/secrets', {
    summary: 'Sets the value of a secret, as a new version unless the newest has this value.',
    access: 'secrets:write',
    scope: 'whole-fleet',
    audit: 'always',
    body: settableSecret,
    response: z.strictObject({
      secret: secretView,
      /** False if the newest version had this value already. */
      isChanged: z.boolean(),
    }),
  }),
  showSecret: defineRoute('GET', '/api/secrets/:name', {
    summary: 'Returns a secret and its versions, newest first, without their values.',
    access: 'secrets:read',
    scope: 'whole-fleet',
    audit: 'refusals',
    params: nameParam,
    response: z.strictObject({ secret: secretView, versions: z.array(secretVersionView) }),
  }),
  removeSecret: defineRoute('DELETE', '/api/secrets/:name', {
    summary: 'Removes a secret with all versions. Refused while a service uses it.',
    access: 'secrets:write',
    scope: 'whole-fleet',
    audit: 'always',
    params: nameParam,
    response: z.strictObject({}),
  }),
} as const
