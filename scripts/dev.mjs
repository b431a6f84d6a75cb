// npm run dev: the server and the web UI, each started or loaded anew when a source changes.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { SERVER_ENV, SERVER_FLAGS } from './server-runtime.mjs'
import { ROOT, runMain, say, setUp, toolEnv } from './setup.mjs'

/** Vite's address, whose pages call the server through Vite's proxy (web/vite.config.ts). */
const WEB_URL = 'http://localhost:5173'
const WATCH = ['--watch', '--preserveWatchOutput']

runMain(async () => {
  const bundle = await setUp()
  const env = {
    ...SERVER_ENV,
    ROLLCALL_ANSIBLE_BUNDLE: bundle,
    // Named, so that it is never another port: Vite's proxy calls this one.
    ROLLCALL_LISTEN: '127.0.0.1:8420',
    ROLLCALL_ALLOWED_ORIGINS: WEB_URL,
  }
  const watched = ['contracts/dist', 'inventory/dist', 'compose/dist', 'server/dist'].map(
    (path) => `--watch-path=${join(ROOT, path)}`,
  )
  const programs = [
    ['tsc', ['-p', 'contracts/tsconfig.json', ...WATCH]],
    ['tsc', ['-p', 'inventory/tsconfig.json', ...WATCH]],
    ['tsc', ['-p', 'compose/tsconfig.json', ...WATCH]],
    ['tsc', ['-p', 'server/tsconfig.json', ...WATCH]],
    ['vite', ['--port', '5173', '--strictPort', '--clearScreen', 'false'], { cwd: join(ROOT, 'web') }],
    ['node', [...watched, '--watch-preserve-output', ...SERVER_FLAGS, 'server/dist/main.js']],
  ]
  const children = programs.map(([program, args, options]) =>
    spawn(program, args, {
      cwd: ROOT,
      env: toolEnv(env),
      stdio: ['ignore', 'inherit', 'inherit'],
      ...options,
    }),
  )
  const stop = () => {
    for (const child of children) child.kill('SIGTERM')
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  for (const [index, child] of children.entries()) {
    child.on('error', (error) => console.error(`\u2716 ${programs[index][0]}: ${error.message}`))
    child.on('exit', stop)
  }
  say(
    `the web UI is at ${WEB_URL}. Sign in there by the link that the server prints, with this address in place of its own. Ctrl-C stops`,
  )
})
