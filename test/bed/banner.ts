import { connect } from 'node:net'

/**
 * The first line a server says on `port`, such as "SSH-2.0-OpenSSH_9.2p1", or undefined when there was none
 * within `timeoutMs`: refused, unreachable, or accepted by the kernel of a frozen host and then silent.
 */
export function readBanner(address: string, port = 22, timeoutMs = 1_000): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port })
    let text = ''
    const finish = (banner: string | undefined) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(banner)
    }
    const timer = setTimeout(() => finish(undefined), timeoutMs)
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const end = text.indexOf('\n')
      if (end >= 0) finish(text.slice(0, end).trimEnd())
    })
    socket.on('error', () => finish(undefined))
    socket.on('close', () => finish(undefined))
  })
}
