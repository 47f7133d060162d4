import { dictionary } from '../../../ui/i18n';
import ko from './ko';

export type { AccountWords } from './ko';

/** What both apps say about accounts: proofs, passwords, logins, invitations. Read them as `accountWords.t.proof.title`. */
export const accountWords = dictionary(ko, { en: () => import('./en') });
