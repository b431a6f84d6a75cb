import { readFile } from 'node:fs/promises'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

const ENTRY = /^export const page = (\{[\s\S]*?\}) satisfies PageEntry$/m

/** Serves `x-page.tsx?page` as its `page` alone, so that the router knows every page without loading it. */
const pageEntries = (): Plugin => ({
  name: 'page-entries',
  enforce: 'pre',
  async load(id) {
    const [file = '', query] = id.split('?')
    if (query !== 'page') return undefined
    const entry = ENTRY.exec(await readFile(file, 'utf8'))?.[1]
    if (entry === undefined) this.error(`${file} needs "export const page = {…} satisfies PageEntry"`)
    return { code: `export const page = ${entry}`, moduleType: 'js' }
  },
})

/** Keeps the first load small; each page and its own code are loaded when it is opened. */
export default defineConfig({
  plugins: [pageEntries(), react()],
  resolve: { dedupe: ['react', 'react-dom'] },
  build: {
    outDir: 'dist',
    sourcemap: false,
    target: 'es2022',
    assetsInlineLimit: 0,
    // In KB before compression; what may be loaded first is checked by scripts/finish-web.mjs.
    chunkSizeWarningLimit: 1000,
    // What every page needs in one file, and what the first page needs in another, and not in forty: a browser asks for six at a time.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'base', tags: ['$initial'], priority: 2 },
            { name: 'fleet', test: /\/features\/fleet\//, priority: 1 },
          ],
        },
      },
    },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8420', '/ws': { target: 'ws://127.0.0.1:8420', ws: true } } },
})
