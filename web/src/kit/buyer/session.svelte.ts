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

/** checking: not known yet. unknown: it could not be found out. out: nobody is signed in. in: `me` is. */
export type SessionState = 'checking' | 'unknown' | 'out' | 'in';

const channelName = 'mall-session';

/**
 * Who is signed in, and the asking for it. Browsing needs nobody; whatever does awaits `require`, which shows the
 * sign-in sheet over the page, so that nothing typed is lost. The cookie itself is out of reach for scripts.
 */
export class Session {
  state = $state<SessionState>('checking');
  me = $state.raw<Me>();
  /** Whether the sign-in sheet is wanted. */
  asking = $state(false);
  readonly #api: Api;
  #channel: BroadcastChannel | undefined;
  #waiting: ((signedIn: boolean) => void)[] = [];

  constructor(api: Api) {
    this.#api = api;
  }

  /** Finds out who is signed in, and follows sign-ins, sign-outs and lost sessions. Returns what ends that. */
  start(): () => void {
    this.#channel = new BroadcastChannel(channelName);
    this.#channel.onmessage = ({ data }) =>
      data === 'out' ? this.#leave() : void this.check(true);
    void this.check();
    const stop = onUnauthenticated(() => this.#lost());
    return () => {
      stop();
      this.#channel?.close();
    };
  }

  /**
   * Asks the server who is signed in. Another member than the one on screen is let in only where that is what happened in
   * another tab; found out by chance, it is a lost session. Never rejects.
   */
  async check(follow = false): Promise<void> {
    try {
      const me = await call(this.#api.GET('/me'));
      if (!follow && this.me && me.member.id !== this.me.member.id) this.#lost();
      else this.#enter(me);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) this.#unsure();
      else if (this.me) this.#lost();
      else this.state = 'out';
    }
  }

  /** True once somebody is signed in: at once, or after the sheet. False when the sheet was closed. */
  async require(): Promise<boolean> {
    if (this.state === 'checking' || this.state === 'unknown') await this.check();
    if (this.state === 'in') return true;
    this.asking = true;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /**
   * Resolves with a challenge where the password is right and a second factor is asked for: see `prove`. Rejects with
   * ApiError: `invalid_credentials` and others.
   */
  async signIn(email: string, password: string): Promise<Me | Challenge> {
    const body = { email, password };
    const said: Me | Challenge = await call(this.#api.POST('/session', { body }));
    return isChallenge(said) ? said : this.#welcome(said);
  }

  /** The second half of a login. Rejects with ApiError. */
  async prove({ challenge }: Challenge, proof: Proof): Promise<Me> {
    const body = { challenge, ...proof };
    return this.#welcome(await call(this.#api.POST('/session/second-factor', { body })));
  }

  /** Makes an account and signs in with it. Rejects with ApiError, with the field at fault where there is one. */
  async signUp(email: string, password: string, name: string): Promise<Me | Challenge> {
    await call(this.#api.POST('/members', { body: { email, password, name } }));
    return this.signIn(email, password);
  }

  /** Ends the session here and in every other tab. Rejects with ApiError when the server did not hear of it. */
  async signOut(): Promise<void> {
    await call(this.#api.DELETE('/session'));
    this.gone();
  }

  /** The session ended by what was done here: nobody is asked to sign in again. */
  gone(): void {
    this.#leave();
    this.#channel?.postMessage('out');
  }

  /** The sheet was closed without signing in. */
  dismiss(): void {
    this.#answer(false);
  }

  #welcome(me: Me): Me {
    this.#enter(me);
    this.#channel?.postMessage('in');
    this.#answer(true);
    return me;
  }

  #enter(me: Me): void {
    // Pages that follow `me` have nothing to do for an answer that says what they know.
    if (JSON.stringify(me) !== JSON.stringify(this.me)) this.me = me;
    speakFor(this.#api, me.member.id);
    this.state = 'in';
  }

  #leave(): void {
    this.me = undefined;
    speakFor(this.#api, undefined);
    this.state = 'out';
  }

  #unsure(): void {
    if (!this.me) this.state = 'unknown';
  }

  /** Somebody was signed in and the server knows nothing of it any more: ask again, over what is on screen. */
  #lost(): void {
    if (!this.me) return;
    this.state = 'out';
    this.asking = true;
  }

  #answer(signedIn: boolean): void {
    this.asking = false;
    if (!signedIn && this.state === 'out') this.#leave();
    for (const resolve of this.#waiting.splice(0)) resolve(signedIn);
  }
}
