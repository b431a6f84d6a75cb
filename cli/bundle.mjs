// Bundles the command line into dist/rollcall.cjs: one file to read at a start, of which only the commands that are used are run.
// Runs on plain Node 20.
import { readFile, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
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
  plugins: [oneLanguage],
  logLevel: 'warning',
})
