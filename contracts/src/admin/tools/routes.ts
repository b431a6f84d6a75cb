import { z } from 'zod'
import { sha256 } from '../../agent/file-entries.ts'
import { hostParam } from '../hosts/schemas.ts'
import { defineRoute } from '../route.ts'

/** The server's playbooks and Ansible on a host. */
export const TOOLS_ROUTES = {
  syncTools: defineRoute({
    method: 'POST',
    path: '/api/hosts/:host/tools',
    summary:
      "Makes a host have this server's playbooks and Ansible. Sends nothing where it has them already.",
    access: 'hosts:write',
    scope: { host: 'params.host' },
    audit: 'always',
    params: hostParam,
    response: z.strictObject({
      version: sha256,
      /** True if anything was sent. */
      isNew: z.boolean(),
    }),
  }),
} as const
