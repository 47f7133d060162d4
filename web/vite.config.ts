import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

interface Modules {
  getModuleInfo(id: string): { isEntry: boolean; importers: readonly string[] } | null;
}

/**
 * Everything a page needs at once goes into one chunk: a dozen small ones compress worse by a kilobyte. Left to
 * itself the bundler cuts a chunk for each set of lazy parts that share a module.
 */
function firstLoad(id: string, modules: Modules): string | null {
  const seen = new Set<string>();
  const reached = (each: string): boolean => {
    if (seen.has(each)) return false;
    seen.add(each);
    const info = modules.getModuleInfo(each);
    return info !== null && (info.isEntry || info.importers.some(reached));
  };
  return reached(id) ? 'app' : null;
}

/** Where `npm run dev` finds the API: a mall started beside it with `make run`. */
const server = process.env['MALL_URL'] ?? 'http://127.0.0.1:8080';

/**
 * `vite build` builds the buyer app, `vite build --mode seller` the console. They are built apart so that neither
 * carries parts of the framework which only the other one uses: nearly nobody uses both.
 */
export default defineConfig(({ mode }) => {
  const seller = mode === 'seller';
  const page = fileURLToPath(new URL(seller ? 'seller.html' : 'index.html', import.meta.url));
  return {
    plugins: [svelte()],
    build: {
      outDir: 'dist',
      emptyOutDir: !seller,
      target: 'es2022',
      // Older targets would make the minifier rewrite light-dark() into twice the rules.
      cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
      assetsDir: 'assets',
      // Inlined assets would be data: URLs, which the content security policy allows for images only.
      assetsInlineLimit: 0,
      // The polyfill is an extra module that no supported browser needs.
      modulePreload: { polyfill: false },
      rolldownOptions: {
        input: page,
        output: { codeSplitting: { groups: [{ name: firstLoad }] } },
      },
    },
    server: {
      proxy: {
        '/api': { target: server, ws: true, changeOrigin: true },
      },
    },
  };
});
