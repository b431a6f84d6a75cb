import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { toCertificatePath, toPrivateKeyPath } from '../../agent/test/fixtures/agent-parts.ts'
import type { LoadAgent } from './agents.ts'

/** Writes what an installation leaves on a host, into `folder`, and resolves to the path of `config.json`. */
export async function writeAgentConfig(
  folder: string,
  { token, secretKey, port, path, identity }: LoadAgent,
  serverPins: readonly string[],
  isSigning = true,
): Promise<string> {
  const [certificate, privateKey] = [toCertificatePath(folder), toPrivateKeyPath(folder)]
  await mkdir(dirname(certificate), { recursive: true })
  await writeFile(certificate, identity.certificate)
  await writeFile(privateKey, identity.privateKey, { mode: 0o600 })
  const config = {
    agent_token: token,
    secret_key: secretKey,
    rpc_port: port,
    rpc_path: path,
    server_pins: serverPins,
    ...(isSigning && { require_signatures: true }),
  }
  const file = join(folder, 'config.json')
  await writeFile(file, JSON.stringify(config), { mode: 0o600 })
  return file
}
