import { createContext } from 'svelte';
import type { Api, Schemas } from '../../api/client';
import type { Session } from './session.svelte';
import type { Chat } from '../../sdk';
import type { Router } from '../../ui/router/router.svelte';
import type { patterns } from './routes';

export type ShopRole = Schemas['Me']['shops'][number];

/** What the pages of one open shop work with. Another shop or another member is another console. */
export interface Console {
  readonly api: Api;
  readonly chat: Chat;
  readonly router: Router<typeof patterns>;
  readonly session: Session;
  readonly shop: ShopRole;
  readonly member: Schemas['Member'];
}

export const [useConsole, provideConsole] = createContext<Console>();
