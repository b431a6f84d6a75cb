// What a Node process with an https server costs by itself; runs on a host of the bench, with the agent's own certificate.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

const ssl = '/etc/rollcall-agent/ssl'
const identity = { cert: readFileSync(`${ssl}/agent.crt`), key: readFileSync(`${ssl}/agent.key`) }
createServer(identity, (_request, response) => response.end('ok')).listen(Number(process.argv[2]))
