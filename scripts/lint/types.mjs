import { mkdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { ROOT } from '../setup.mjs'
import { filesOf, output } from './tools.mjs'

/** The native compiler, which takes a fifth of the time; TypeScript 6 stays for programs that use it as a library. */
const COMPILER = 'node_modules/typescript-7/bin/tsc'

/** One for each package, with its specs and fixtures. The largest first. */
const PROJECTS = [
  'server/tsconfig.check.json',
  'web/tsconfig.check.json',
  'test/tsconfig.json',
  'agent/tsconfig.json',
  'cli/tsconfig.check.json',
  'contracts/tsconfig.check.json',
  'inventory/tsconfig.check.json',
  'compose/tsconfig.check.json',
]

/** Checks the types of every TypeScript file of the repository. Resolves to what is wrong, also where a file is of no project. */
export async function checkTypes() {
  const cache = join(ROOT, 'node_modules/.cache/types')
  await mkdir(cache, { recursive: true })
  const waiting = [...PROJECTS]
  const seen = new Set()
  const wrong = []
  const work = async () => {
    for (let project = waiting.shift(); project; project = waiting.shift()) {
      const info = join(cache, `${project.replace('/', '-')}.tsbuildinfo`)
      const { code, text } = await output('node', [
        COMPILER,
        '-p',
        project,
        '--noEmit',
        '--incremental',
        '--tsBuildInfoFile',
        info,
        '--listFiles',
        '--pretty',
        'false',
      ])
      const lines = text.split('\n').filter((line) => line !== '')
      for (const line of lines) if (line.startsWith('/')) seen.add(relative(ROOT, line))
      if (code !== 0) wrong.push(...lines.filter((line) => !line.startsWith('/')))
    }
  }
  await Promise.all([work(), work()])
  const unseen = (await filesOf(['*.ts', '*.tsx', '*.mts'])).filter((file) => !seen.has(file))
  wrong.push(...unseen.map((file) => `${file}: is of no project, so its types are checked by nothing`))
  return wrong.length > 0 ? wrong.join('\n') : null
}
