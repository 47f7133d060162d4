import { dictionary } from '../../../../ui/i18n';
import ko from './ko';

export type { ProductWords } from './ko';

export const productWords = dictionary(ko, { en: () => import('./en') });
