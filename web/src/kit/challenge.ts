import { ApiError, type Schemas } from '../api/client';
import { failure } from '../ui/errors';

export type Challenge = Schemas['Challenge'];
/** What is given to a challenge: a password, a code or a passkey's signature. */
export type Proof = Omit<Schemas['ChallengeAnswer'], 'challenge'>;
/** How to give it: a code of the authenticator app and a recovery code are two things to a person. */
export type Way = Schemas['FactorMethod'];

/** A right password is answered with a challenge where the member has a second factor. */
export const isChallenge = (answer: Schemas['Me'] | Challenge): answer is Challenge =>
  'challenge' in answer;

/** The challenge itself is over (used up, too old): another try needs a new one. */
export const isOver = (error: unknown): boolean => failure(error)?.code === 'challenge_over';

/** The answer was wrong; the challenge still stands. */
export const isWrong = (error: unknown): boolean => failure(error)?.code === 'wrong_answer';

/** From the easiest and strongest to what is left when all else is lost. */
const order: readonly Way[] = ['passkey', 'totp', 'password', 'recovery_code'];

/** The ways a challenge may be answered in this browser, the one to offer first at the front. */
export function waysOf(challenge: Challenge, passkeys: boolean): readonly Way[] {
  const usable = (way: Way) => way !== 'passkey' || (passkeys && !!challenge.passkey_options);
  return order.filter((way) => challenge.methods.includes(way) && usable(way));
}

/** The token of a mailed link is worth nothing (any more), or is none. */
export const linkIsOver = (error: unknown): boolean =>
  failure(error)?.code === 'link_invalid' || (error instanceof ApiError && error.field === 'token');
