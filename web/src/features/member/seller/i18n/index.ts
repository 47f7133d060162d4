import { dictionary } from '../../../../ui/i18n';
import ko from './ko';

export const memberWords = dictionary(ko, { en: () => import('./en') });
