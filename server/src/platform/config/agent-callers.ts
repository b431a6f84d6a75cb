import { isIP } from 'node:net'
import { z } from 'zod'
import { splitList } from './split-list.ts'

const MAX_CALLERS = 64

/** Tests whether a text is an IP address or a network such as 10.0.0.0/8. */
export function isCaller(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const version = isIP(address)
  if (version === 0 || more.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
}

/** A comma-separated list of addresses and networks. */
export const agentCallers = z
  .string()
  .default('')
  .transform(splitList)
  .superRefine((callers, context) => {
    const wrong = callers.find((caller) => !isCaller(caller))
    const problem =
      wrong !== undefined
        ? `names ${wrong.slice(0, 64)}, which is not an IP address or a network such as 10.0.0.0/8`
        : callers.length > MAX_CALLERS
          ? `names more than ${MAX_CALLERS} addresses`
          : undefined
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
  })

/**
 * Creates the part of the agent's unit that restricts callers to these addresses and the host itself; empty for no
 * restriction.
 */
export const toCallersUnit = (callers: readonly string[]): string =>
  callers.length === 0
    ? ''
    : [
        '# Managed by Rollcall: ROLLCALL_AGENT_CALLERS of the server.',
        '[Service]',
        'IPAddressDeny=any',
        ...['localhost', ...callers].map((caller) => `IPAddressAllow=${caller}`),
        '',
      ].join('\n')
