import { Client, type ConnectConfig } from 'ssh2'

/** Runs a command line over SSH and returns what it printed. Any host key will do. */
export function sshRun(login: ConnectConfig, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const client = new Client()
    client.once('error', reject)
    client.once('ready', () => {
      client.exec(command, (error, channel) => {
        if (error) return reject(error)
        let text = ''
        channel.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        channel.stderr.resume()
        channel.once('close', () => {
          client.end()
          resolve(text)
        })
      })
    })
    client.connect({ readyTimeout: 20_000, ...login })
  })
}
