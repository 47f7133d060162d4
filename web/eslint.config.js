import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';
import { arrows } from './tooling/walls.js';

export default ts.config(
  { ignores: ['dist/', 'node_modules/', 'src/api/schema.gen.ts'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  prettier,
  ...svelte.configs.prettier,
  { languageOptions: { globals: { ...globals.browser } } },
  {
    files: ['**/*.config.{js,ts}', 'tooling/**', 'e2e/**'],
    languageOptions: { globals: { ...globals.node } },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
  },
  {
    files: ['src/**'],
    plugins: { walls: { rules: { arrows } } },
    rules: {
      'walls/arrows': 'error',
      // The type checker knows every name; this rule knows only the ones above.
      'no-undef': 'off',
      'no-console': 'error',
      eqeqeq: ['error', 'always'],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // Maps and URLs beside runes are meant to be plain where nothing draws from them.
      'svelte/prefer-svelte-reactivity': 'off',
      // Own router and plain links, not SvelteKit's.
      'svelte/no-navigation-without-resolve': 'off',
      // Markup built from strings is what the content security policy exists to stop: use text nodes.
      'svelte/no-at-html-tags': 'error',
      'no-restricted-properties': [
        'error',
        {
          property: 'innerHTML',
          message: 'Use components and text nodes; Trusted Types refuse strings.',
        },
        {
          property: 'outerHTML',
          message: 'Use components and text nodes; Trusted Types refuse strings.',
        },
        { property: 'insertAdjacentHTML', message: 'Use components and text nodes.' },
      ],
    },
  },
  {
    files: ['src/**/*.svelte'],
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'fetch', message: 'Call src/api: components do not talk to the network.' },
        { name: 'WebSocket', message: 'Use src/sdk: components do not talk to the network.' },
      ],
      // style="…" in markup is refused by the content security policy; style: directives go through CSSOM.
      'no-restricted-syntax': [
        'error',
        {
          selector: 'SvelteAttribute[key.name="style"]',
          message: 'Use a class, or a style: directive.',
        },
      ],
    },
  },
);
