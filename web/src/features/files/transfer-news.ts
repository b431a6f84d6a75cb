import type { LiveEvent } from '@rollcall/contracts/admin'
import type { Answer } from '../../api/client.ts'

export type ShownTransfer = Answer<'showTransfer'>

/** Takes up what is new of a transfer; what was changed on each host is kept as it was asked for last. */
export function withNews(
  shown: ShownTransfer | undefined,
  { transfer, hosts }: LiveEvent & { type: 'transfer' },
): ShownTransfer | undefined {
  if (!shown) return undefined
  const news = new Map(hosts.map((host) => [host.host, host]))
  return { transfer, hosts: shown.hosts.map((host) => ({ ...host, ...news.get(host.host) })) }
}
