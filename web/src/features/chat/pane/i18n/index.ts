import { dictionary } from '../../../../ui/i18n';
import ko from './ko';

export type { PaneTexts } from './ko';

/** What the pane says: read it as `paneWords.t.composer.send`. */
export const paneWords = dictionary(ko, { en: () => import('./en') });
