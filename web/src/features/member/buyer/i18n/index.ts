import { dictionary } from '../../../../ui/i18n';
import ko from './ko';

export type { SignInWords } from './ko';

export const signInWords = dictionary(ko, { en: () => import('./en') });
