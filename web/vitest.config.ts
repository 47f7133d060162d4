import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** The chat and API clients must run without a DOM, and tools have none; everything that draws gets happy-dom. */
const core = ['src/sdk/**/*.test.ts', 'src/api/**/*.test.ts', 'tooling/**/*.test.ts'];

export default defineConfig({
  // Node would resolve Svelte's server build, which cannot mount.
  resolve: { conditions: ['browser'] },
  plugins: [svelte()],
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'core', environment: 'node', include: core },
      },
      {
        extends: true,
        test: {
          name: 'dom',
          environment: 'happy-dom',
          include: ['src/**/*.test.ts'],
          exclude: core,
          // Style sheets are empty in tests but for the one whose contrast is computed.
          css: { include: [/tokens\.css/] },
          setupFiles: ['tooling/vitest-dom.ts'],
        },
      },
    ],
  },
});
