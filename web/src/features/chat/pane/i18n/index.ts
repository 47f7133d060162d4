import { dictionary } from '../../../../ui/i18n';
import ko from './ko';

export type { TalkTexts } from './ko';

/** What the pane says: read it as `talk.t.composer.send`. */
export const talk = dictionary(ko, { en: () => import('./en') });
