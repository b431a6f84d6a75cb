import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Keeps the first load small; each page and its own code are loaded when it is opened. */
export default defineConfig({
  plugins: [react()],
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
