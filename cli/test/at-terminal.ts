import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../bin/rollcall.cjs', import.meta.url))
export const hasScript = spawnSync('script', ['--version']).status === 0

/**
 * Runs it at a terminal of its own, 30 rows of 100 columns, and then shows how it left that terminal. When Ctrl-Z stops it,
 * the next line that is typed has it go on.
 */
export function atTerminal(dataDir: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const command = `'${process.execPath}' '${LAUNCHER}' ${args.join(' ')}`
  // With job control as in a person's shell: it has its own process group, which Ctrl-C and Ctrl-Z are for.
  const line = `set -m; stty rows 30 cols 100; ${command}
    code=$?; if [ $code = 148 ]; then echo stopped; read -r _; fg; code=$?; fi; echo "code=$code"; stty -a`
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
