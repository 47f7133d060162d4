import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';

const web = fileURLToPath(new URL('..', import.meta.url));
const eslint = new ESLint({ cwd: web });

/** What the walls say of this code in that file, by the configuration that `npm run lint` uses. */
async function said(file: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: `${web}src/${file}` });
  expect(result?.fatalErrorCount).toBe(0);
  return (
    result?.messages.flatMap((m) => (m.ruleId === 'walls/arrows' ? [m.messageId ?? ''] : [])) ?? []
  );
}

const script = (code: string) => `<script lang="ts">\n${code}\n</script>`;

describe('the arrows between folders', { timeout: 60_000 }, () => {
  it.each([
    ['sdk/planted.ts', "import { live } from '../ui/live';", 'up'],
    ['ui/planted.ts', "import { useBuyer } from '../kit/buyer/context';", 'up'],
    [
      'kit/seller/planted.ts',
      "import { Desk } from '../../features/chat/seller/desk.svelte';",
      'up',
    ],
    [
      'kit/seller/planted.ts',
      "import type { Desk } from '../../features/chat/seller/desk.svelte';",
      'up',
    ],
    ['kit/seller/planted.ts', "export * from '../../features/chat/seller/desk.svelte';", 'up'],
    [
      'kit/seller/planted.ts',
      "type Desk = import('../../features/chat/seller/desk.svelte').Desk;",
      'up',
    ],
    ['features/planted.ts', "export { default } from '../buyer/App.svelte';", 'up'],
    ['features/planted.ts', "void import('../seller/App.svelte');", 'up'],
    [
      'features/chat/buyer/Planted.svelte',
      script("import { words } from '../../../seller/words';"),
      'up',
    ],
    ['ui/Planted.svelte', "{#await import('../features/account/Banners.svelte')}{/await}", 'up'],
    ['seller/planted.ts', "import Header from '../buyer/Header.svelte';", 'side'],
    ['features/chat/seller/planted.ts', "import { ask } from '../buyer/ask';", 'side'],
    [
      'features/chat/pane/planted.ts',
      "import { useConsole } from '../../../kit/seller/console';",
      'side',
    ],
    ['features/chat/pane/planted.ts', "import { uuid } from '../../../sdk/uuid';", 'entry'],
    ['sdk/planted.ts', "import { readable } from 'svelte/store';", 'framework'],
    ['sdk/planted.test.ts', "import { flushSync } from 'svelte';", 'framework'],
    ['sdk/planted.ts', "import { held } from './held.svelte';", 'framework'],
    ['sdk/planted.ts', "import { mall } from './testing/people';", 'testing'],
    [
      'ui/planted.ts',
      "import frames from '../../../modules/chat/testdata/frames.json';",
      'outside',
    ],
  ])('src/%s is refused: %s', async (file, code, message) => {
    expect(await said(file, code)).toEqual([message]);
  });

  it.each([
    [
      'sdk/planted.ts',
      "import { openDB } from 'idb'; import type { components } from '../api/schema.gen';",
    ],
    [
      'kit/buyer/planted.ts',
      "import { createContext } from 'svelte'; import type { Chat } from '../../sdk';",
    ],
    ['features/chat/buyer/Planted.svelte', script("import Pane from '../pane/Pane.svelte';")],
    ['features/chat/pane/planted.test.ts', "import { room } from '../../../sdk/testing/fakes';"],
    ['features/account/planted.test.ts', "import { me } from '../../kit/buyer/testing';"],
    ['seller/planted.ts', "void import('../features/order/seller/OrdersPage.svelte');"],
    ['sdk/planted.test.ts', "import frames from '../../../modules/chat/testdata/frames.json';"],
  ])('src/%s is fine: %s', async (file, code) => {
    expect(await said(file, code)).toEqual([]);
  });
});
