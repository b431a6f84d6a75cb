import { isIPv6 } from 'node:net'
import { RollcallError } from '@rollcall/contracts'

/** Where git is to connect to: settings for its HTTP and its ssh, which then resolve no name. */
export interface PinnedRemote {
  url: string
  settings: string[]
  ssh: string
}

const SSH = 'ssh -oBatchMode=yes -oStrictHostKeyChecking=yes'
/** Names and addresses as they may stand in a command line and in a curl option. */
const PLAIN_HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$/

/**
 * Binds a repository's address to one that was resolved and judged, so that git connects there and nowhere else. The name still stands in
 * the certificate or the known host that is compared. Throws `collection.git_failed`. Pure.
 */
export function pinRemote(text: string, address: string): PinnedRemote {
  const { url, host, port } = remoteOf(text)
  const at = isIPv6(address) ? `[${address}]` : address
  if (url.protocol === 'https:')
    return {
      url: url.href,
      settings: ['-c', `http.curloptResolve=${host}:${port || '443'}:${at}`],
      ssh: SSH,
    }
  const alias = port === '' || port === '22' ? host : `'[${host}]:${port}'`
  return { url: text, settings: [], ssh: `${SSH} -oHostName=${address} -oHostKeyAlias=${alias}` }
}

/** Takes the host out of a repository's address, as git is going to understand it. */
export function remoteOf(text: string): { url: URL; host: string; port: string } {
  const url = URL.parse(text)
  if (!url || !/^(https|ssh):$/.test(url.protocol) || !PLAIN_HOST.test(url.hostname))
    throw new RollcallError(
      'collection.git_failed',
      'The commit could not be fetched: its address must be https://HOST/PATH or ssh://USER@HOST/PATH, with a plain name or an IP address as HOST.',
    )
  return { url, host: url.hostname.replace(/^\[|\]$/g, '').toLowerCase(), port: url.port }
}
