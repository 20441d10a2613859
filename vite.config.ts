import { defineConfig } from 'vite'

export default defineConfig({
  root: 'ui',
  // Every URL of the page is relative to the base that its document names.
  base: './',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact', development: false } },
  build: {
    outDir: '../dist/ui',
    emptyOutDir: true,
    // The admin server sends `default-src 'self'`: an asset in a data: URL would be refused.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // `npx vite` serves the page while a gateway on the default port serves the API.
  server: { proxy: { '/api': 'http://localhost:9998' } },
})
