import { createContext } from 'svelte';
import type { Api } from '../../api/client';
import type { Chats } from './chats.svelte';
import type { Session } from './session.svelte';
import type { Catalogue } from './catalogue.svelte';
import type { Router } from '../../ui/router/router.svelte';
import type { patterns } from './routes';

/** What every page of the buyer app works with. */
export interface Buyer {
  readonly api: Api;
  readonly router: Router<typeof patterns>;
  readonly session: Session;
  readonly chats: Chats;
  readonly catalogue: Catalogue;
}

export const [useBuyer, provideBuyer] = createContext<Buyer>();
