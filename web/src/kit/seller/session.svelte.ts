import {
  ApiError,
  call,
  onUnauthenticated,
  speakFor,
  type Api,
  type Schemas,
} from '../../api/client';
import { isChallenge, type Challenge, type Proof } from '../challenge';

type Me = Schemas['Me'];

/**
 * checking: not known yet. failed: it could not be found out, see `error`. out: nobody is signed in.
 * in: `me` is signed in. expired: `me` was signed in and must sign in again; what is on screen stays.
 */
export type SessionState = 'checking' | 'failed' | 'out' | 'in' | 'expired';

/** Sign-ins and sign-outs in other tabs, of the mall as well: they share the cookie. */
const channelName = 'mall-session';

/** Who is signed in to the console. The session itself travels in a cookie that scripts cannot read. */
export class Session {
  state = $state<SessionState>('checking');
  me = $state.raw<Me>();
  error = $state.raw<unknown>();
  readonly #api: Api;
  #channel: BroadcastChannel | undefined;
  /** Signing out on purpose: what notices that the session has ended is no news then. */
  #leaving = false;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Finds out who is signed in and follows sign-ins, sign-outs and lost sessions. Returns what ends that. */
  start(): () => void {
    this.#channel = new BroadcastChannel(channelName);
    this.#channel.onmessage = ({ data }) =>
      data === 'out' ? this.#leave() : void this.check(true);
    void this.check();
    const stop = onUnauthenticated(() => this.lost());
    return () => {
      stop();
      this.#channel?.close();
    };
  }

  /**
   * Asks the server again. Another member than the one on screen is let in only where that is what happened in another
   * tab; found out by chance, it is a lost session. Never rejects: failure is in the state.
   */
  async check(follow = false): Promise<void> {
    if (!this.me) this.state = 'checking';
    try {
      const me = await call(this.#api.GET('/me'));
      if (!follow && this.me && me.member.id !== this.me.member.id) this.lost();
      else this.#enter(me);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.lost();
      else if (!this.me) this.#fail(error);
    }
  }

  /** The server does not know the session any more. */
  lost(): void {
    if (this.#leaving) return;
    this.state = this.me ? 'expired' : 'out';
  }

  /** Resolves with a challenge where a second factor is asked for: see `prove`. Rejects with ApiError. */
  async signIn(email: string, password: string): Promise<Challenge | undefined> {
    const body = { email, password };
    const said: Me | Challenge = await call(this.#api.POST('/session', { body }));
    if (isChallenge(said)) return said;
    this.#welcome(said);
    return undefined;
  }

  /** The second half of a login. Rejects with ApiError. */
  async prove({ challenge }: Challenge, proof: Proof): Promise<void> {
    const body = { challenge, ...proof };
    this.#welcome(await call(this.#api.POST('/session/second-factor', { body })));
  }

  /** Ends the session here and in every other tab. Rejects with ApiError when the server did not hear of it. */
  async signOut(): Promise<void> {
    this.#leaving = true;
    try {
      await call(this.#api.DELETE('/session'));
      this.#leave();
      this.#channel?.postMessage('out');
    } finally {
      this.#leaving = false;
    }
  }

  /** Opens a shop with the member as its owner. Rejects with ApiError. */
  async openShop(name: string): Promise<void> {
    await call(this.#api.POST('/shops', { body: { name } }));
    await this.check();
  }

  #welcome(me: Me): void {
    this.#enter(me);
    this.#channel?.postMessage('in');
  }

  #enter(me: Me): void {
    this.me = me;
    speakFor(this.#api, me.member.id);
    this.error = undefined;
    this.state = 'in';
  }

  #leave(): void {
    this.me = undefined;
    speakFor(this.#api, undefined);
    this.state = 'out';
  }

  #fail(error: unknown): void {
    this.error = error;
    this.state = 'failed';
  }
}
