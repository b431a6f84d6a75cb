import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  AGENT_METHODS,
  AGENT_PATHS,
  type AgentConfigInput,
  type AgentMethodName,
  type AgentParamsInput,
  type AgentResult,
} from '@rollcall/contracts/agent'
import { makeIdentity, pinOfCertificate } from '../../agent/test/fixtures/certificate.ts'
import { RpcClient } from '../../agent/test/fixtures/rpc-client.ts'
import type { Host } from '../bed/index.ts'
import { poll } from '../bed/poll.ts'

/** Asks an installed agent directly, as a further server whose key the host's administrator has added to the pins. */
export class AgentCaller {
  readonly #host: Host
  readonly #client: RpcClient

  private constructor(host: Host, client: RpcClient) {
    this.#host = host
    this.#client = client
  }

  static async of(host: Host): Promise<AgentCaller> {
    const path = join(host.root, AGENT_PATHS.config)
    const config = JSON.parse(await readFile(path, 'utf8')) as AgentConfigInput
    const server = makeIdentity('host-facts')
    config.server_pins.push(server.pin)
    await writeFile(path, JSON.stringify(config))
    const { rpc_port: port, rpc_path, agent_token: token, secret_key: secretKey } = config
    const certificate = await readFile(join(host.root, AGENT_PATHS.certificate), 'utf8')
    const signing = { secretKey, agentPin: pinOfCertificate(certificate) }
    const caller = new AgentCaller(
      host,
      new RpcClient({ address: host.address, port, path: rpc_path, token, server, signing }),
    )
    await caller.restartAgent()
    return caller
  }

  /** The answer, as the contract lets it through. */
  async call<N extends AgentMethodName>(method: N, params: AgentParamsInput<N>): Promise<AgentResult<N>> {
    const answer = await this.#client.call(method, params)
    return AGENT_METHODS[method].result.parse(answer) as AgentResult<N>
  }

  /** Ends when the new agent answers. */
  async restartAgent(): Promise<void> {
    await this.#host.output(['systemctl', 'restart', 'rollcall-agent.service'])
    this.#client.close()
    const answers = () =>
      this.#client.call('health_check', {}).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ECONNREFUSED') return false
          throw error
        },
      )
    await poll(answers, { timeoutMs: 10_000, what: `the agent of ${this.#host.name}` })
  }

  close(): void {
    this.#client.close()
  }
}
