// Bundles the command line into dist/rollcall.cjs: one file to read at a start, of which only the commands that are used are run.
// Runs on plain Node 20.
import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url))

/** Zod carries its messages in fifty languages; a bundler cannot tell that ours are in one. */
const oneLanguage = {
  name: 'one-language',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js"',
      resolveDir: path('../node_modules/zod/v4/locales'),
    }))
  },
}

/** Commander can run commands that are programs of their own; ours are not, and loading what starts programs is a tenth of a start. */
const noProgramsOfItsOwn = {
  name: 'no-programs-of-its-own',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /[\\/]commander[\\/]/.test(importer) ? { path: 'child_process', namespace: 'absent' } : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'absent' }, () => ({ contents: 'export default {}' }))
  },
}

const ADMIN = path('../node_modules/@rollcall/contracts/dist/admin')

/** In place of `loadRoute`: which feature's file holds a route is known here, so that a command loads the schemas of its own routes alone. */
const routesByFeature = {
  name: 'routes-by-feature',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/]api[\\/]routes\.ts$/ }, async () => {
      const cases = []
      for (const feature of await readdir(ADMIN, { withFileTypes: true })) {
        const file = join(ADMIN, feature.name, 'routes.js')
        if (!feature.isDirectory() || !existsSync(file)) continue
        for (const [list, routes] of Object.entries(await import(pathToFileURL(file).href)))
          for (const name of Object.keys(routes))
            cases.push(
              `case ${JSON.stringify(name)}: return (await import(${JSON.stringify(file)})).${list}.${name}`,
            )
      }
      return { contents: `export async function loadRoute(name) { switch (name) {\n${cases.join('\n')}\n} }` }
    })
  },
}

const { version } = JSON.parse(await readFile(path('package.json'), 'utf8'))

await rm(path('dist'), { recursive: true, force: true })
await build({
  entryPoints: [path('src/main.ts')],
  outfile: path('dist/rollcall.cjs'),
  bundle: true,
  platform: 'node',
  target: 'node20',
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: true,
  sourcesContent: false,
  // As CommonJS: importing `node:http` as a module reads all that it exports, which loads Node's whole fetch.
  format: 'cjs',
  define: { ROLLCALL_VERSION: JSON.stringify(version) },
  plugins: [oneLanguage, noProgramsOfItsOwn, routesByFeature],
  logLevel: 'warning',
})
