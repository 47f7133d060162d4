import { dictionary } from '../../../ui/i18n';
import ko from './ko';

export type { SellerTexts } from './ko';

/** The console's own texts: read them as `words.t.inbox.heading`. */
export const words = dictionary(ko, { en: () => import('./en') });
