import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const page = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Where `npm run dev` finds the API: a mall started beside it with `make run`. */
const server = process.env['MALL_URL'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // Older targets would make the minifier rewrite light-dark() into twice the rules.
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
    assetsDir: 'assets',
    // Inlined assets would be data: URLs, which the content security policy allows for images only.
    assetsInlineLimit: 0,
    // The polyfill is an extra inline-like module that no supported browser needs.
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: page('index.html'), seller: page('seller.html') },
    },
  },
  server: {
    proxy: {
      '/api': { target: server, ws: true, changeOrigin: true },
    },
  },
});
