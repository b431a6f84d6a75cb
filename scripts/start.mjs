// npm start: sets everything up and runs the server; with --demo, three real hosts on this machine join its fleet.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { SERVER_ENV, SERVER_FLAGS } from './server-runtime.mjs'
import { NODE, ROOT, runMain, say, setUp, toolEnv, UserError } from './setup.mjs'

const USAGE = `npm start [-- --demo]

  --demo   also boots three Debian hosts on this machine and brings them into the fleet (needs root)
  --help   shows this

The server is configured by environment variables: see docs/guides/configuration.md.`

/** Debian 12, 13 and 11 with podman, in the order in which hosts join; scripts/demo.ts boots them. */
const DEMO_FLAVOURS = ['podman', 'podman-trixie', 'podman-bullseye']

/** Longer than the server itself takes to give up an orderly stop. */
const KILL_AFTER_MS = 45_000

runMain(async () => {
  const startedAt = Date.now()
  const args = process.argv.slice(2)
  const unknown = args.find((arg) => !['--demo', '--help'].includes(arg))
  if (unknown) throw new UserError(`unknown option ${unknown}\n\n${USAGE}`)
  if (args.includes('--help')) return console.log(USAGE)
  const isDemo = args.includes('--demo')
  if (isDemo && process.getuid() !== 0)
    throw new UserError(
      'The demo boots real hosts on this machine, which needs root: sudo npm start -- --demo\nWithout hosts of its own the server needs no root: npm start',
    )

  const children = new Set()
  const bundle = await setUp({ beside: isDemo ? () => children.add(buildRootFileSystems()) : undefined })
  let isStopping = false
  const stop = () => {
    if (isStopping) return
    isStopping = true
    say('stopping')
    for (const child of children) child.kill('SIGTERM')
    setTimeout(() => {
      for (const child of children) child.kill('SIGKILL')
    }, KILL_AFTER_MS).unref()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)

  const start = (script, env) => {
    // In a group of its own: Ctrl-C comes to us alone, and we stop the demo's hosts and the server in order.
    const child = spawn(NODE, script, {
      cwd: ROOT,
      env: toolEnv(env),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: true,
    })
    children.add(child)
    child.on('exit', (code, signal) => {
      children.delete(child)
      if (!isStopping && code !== 0) {
        console.error(`\u2716 ${script.find((part) => /\.[jt]s$/.test(part))} ended with ${signal ?? code}`)
        process.exitCode = 1
      }
      stop()
    })
    return child
  }

  const server = start([...SERVER_FLAGS, join(ROOT, 'server/dist/main.js')], {
    ...SERVER_ENV,
    ROLLCALL_ANSIBLE_BUNDLE: bundle,
  })
  server.once('message', ({ url }) => {
    if (isDemo)
      return start([join(ROOT, 'scripts/demo.ts'), ...DEMO_FLAVOURS], {
        ROLLCALL_STARTED_AT: String(startedAt),
      })
    console.log(`
Rollcall runs. In another terminal, in this folder:

  npx rollcall host add NAME --address ADDRESS --key ~/.ssh/id_ed25519 --wait
  npx rollcall run --host NAME -- uname -a

The API is described at ${url}/api/openapi.json. Ctrl-C stops the server; hosts and commands go on.`)
  })
})

/** Builds what the demo's hosts boot from while the server is still being built. The demo waits for it, and builds what failed itself. */
function buildRootFileSystems() {
  const child = spawn(NODE, [join(ROOT, 'test/bed/cli.ts'), 'build', ...DEMO_FLAVOURS], {
    cwd: ROOT,
    env: toolEnv(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  createInterface({ input: child.stderr }).on('line', (line) => console.log(`  demo hosts: ${line}`))
  child.stdout.resume()
  return child
}
