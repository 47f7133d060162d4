import { dictionary } from '../../../../ui/i18n';
import ko from './ko';

export type { OrderWords } from './ko';

export const orderWords = dictionary(ko, { en: () => import('./en') });
