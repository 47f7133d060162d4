import { dictionary } from '../../../ui/i18n';
import ko from './ko';

/** The buyer app's texts: read them as `words.t.home.title`. */
export const words = dictionary(ko, { en: () => import('./en') });
