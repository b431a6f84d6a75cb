import { z } from 'zod'
import { sha256 } from '../../agent/file-entries.ts'
import { hostParam } from '../hosts/schemas.ts'
import { defineRoute } from '../route.ts'

/** The server's playbooks and Ansible on a host. */
export const TOOLS_ROUTES = {
  syncTools: defineRoute('POST', '/api/hosts/:host/tools', {
    summary: "Updates a host to this server's playbooks and Ansible. Sends nothing if it has them.",
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
