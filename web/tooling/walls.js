// An ESLint rule that holds the arrows between the folders of src. README.md draws them.
//
// ESLint's own no-restricted-imports looks at the text of an import, and '../buyer/x' says another thing in each folder:
// this rule looks at the file that is meant.
import path from 'node:path';

const src = path.join(import.meta.dirname, '..', 'src');

/** From the bottom up: a folder imports itself and what lies below it. */
const floors = [['api'], ['sdk'], ['ui'], ['kit'], ['features'], ['buyer', 'seller']];
const apps = ['buyer', 'seller'];
/** What a page that knows nothing of Svelte must be able to embed, and the packages it may bring along. */
const frameless = { api: ['openapi-fetch'], sdk: ['idb'] };

const messages = {
  up: '{{from}} lies below {{to}}: move what both need down, or give it as an argument.',
  side: '{{from}} is not for the {{app}} app alone, so it imports nothing of {{to}}: move what it needs up a folder.',
  entry: 'Import src/sdk itself: what index.ts does not export may change any day.',
  framework: '{{from}} is free of frameworks: other pages embed it. It imports no {{to}}.',
  testing: 'Only tests import what is made for tests.',
  outside: 'Only tests import from outside src.',
};

const isTest = (file) => /\.test\.ts$|(^|\/)testing(\/|$)/.test(file);
const floorOf = (folder) => floors.findIndex((names) => names.includes(folder));
const appOf = (file) => apps.find((app) => file.split('/').includes(app));

/** What is wrong with importing a package: undefined, or a message's name. */
function wrongPackage(from, specifier) {
  const allowed = frameless[from.split('/')[0]];
  if (!allowed || allowed.includes(specifier)) return undefined;
  return isTest(from) && !specifier.startsWith('svelte') ? undefined : 'framework';
}

/** The same for a file. Both are paths from src, `to` as it is written: perhaps a folder, perhaps without an ending. */
function wrongFile(from, to) {
  if (to.startsWith('..')) return isTest(from) ? undefined : 'outside';
  const [room, target] = [from.split('/')[0], to.split('/')[0]];
  if (floorOf(target) > floorOf(room)) return 'up';
  const app = appOf(to);
  if (app && app !== appOf(from) && !(isTest(from) && !appOf(from))) return 'side';
  if (room in frameless && /\.svelte(\.|$)/.test(to)) return 'framework';
  if (isTest(to)) return isTest(from) ? undefined : 'testing';
  const inside = !['sdk', 'sdk/index', 'sdk/index.ts'].includes(to);
  return target === 'sdk' && room !== 'sdk' && inside ? 'entry' : undefined;
}

/** @type {import('eslint').Rule.RuleModule} */
export const arrows = {
  meta: { type: 'problem', messages, schema: [] },
  create(context) {
    const from = path.relative(src, context.filename).replaceAll(path.sep, '/');

    function check(node, specifier) {
      if (typeof specifier !== 'string') return;
      const isFile = specifier.startsWith('.');
      const target = path.resolve(path.dirname(context.filename), specifier);
      const to = isFile ? path.relative(src, target).replaceAll(path.sep, '/') : specifier;
      const messageId = isFile ? wrongFile(from, to) : wrongPackage(from, to);
      if (messageId) context.report({ node, messageId, data: { from, to, app: appOf(to) ?? '' } });
    }

    const source = (node) => check(node, node.source?.value);
    return {
      ImportDeclaration: source,
      ImportExpression: source,
      ExportNamedDeclaration: source,
      ExportAllDeclaration: source,
      TSImportType: source,
    };
  },
};
