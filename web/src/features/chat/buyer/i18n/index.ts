import { dictionary } from '../../../../ui/i18n';
import ko from './ko';

export type { InquiryWords } from './ko';

export const inquiryWords = dictionary(ko, { en: () => import('./en') });
