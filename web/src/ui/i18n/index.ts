import ko from './ko';
import { dictionary } from './locale.svelte';

export {
  dictionary,
  locale,
  localeSettled,
  setLocale,
  startLocale,
  type Locale,
} from './locale.svelte';
export type { Texts } from './ko';

/** The shared texts: read them as `texts.t.common.close`. */
export const texts = dictionary(ko, { en: () => import('./en') });
