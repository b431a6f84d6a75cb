import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../bin/rollcall.js', import.meta.url))
export const hasScript = spawnSync('script', ['--version']).status === 0

/** Runs it at a terminal of its own, 30 rows of 100 columns, and then shows how it left that terminal. */
export function atTerminal(dataDir: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  // The shell outlives a Ctrl-C, which the terminal sends to it too.
  const line = `trap : INT; stty rows 30 cols 100; '${process.execPath}' '${LAUNCHER}' ${args.join(' ')}; echo "code=$?"; stty -a`
  const child = spawn('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
    env: { PATH: process.env.PATH, TERM: 'xterm', ROLLCALL_DATA_DIR: dataDir, ...env },
  })
  const terminal = {
    shown: '',
    type: (text: string) => void child.stdin.write(text),
    ended: async () => {
      await once(child, 'close')
      return terminal.shown
    },
  }
  child.stdout.on('data', (data) => {
    terminal.shown += data
  })
  return terminal
}
