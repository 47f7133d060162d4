// Who presses Enter means "send", also in the middle of a Hangul syllable. Platforms tell about that one press in
// different orders: the syllable may end before the key arrives, after it, or between two reports of the same key.
// This is the one place that knows; the field only follows what it says.

export interface EnterState {
  readonly composing: boolean;
  /** The text under composition, or the one that ended last. */
  readonly composed: string;
  /** A composition ended and no key has been pressed since. */
  readonly justEnded: boolean;
  /** Enter was pressed inside a composition: the message goes when the composition ends. */
  readonly due: boolean;
  /** When the press that sent began; undefined once the key is up. */
  readonly sentAt: number | undefined;
  readonly ctrl: boolean;
}

export type EnterEvent =
  | {
      readonly type: 'keydown';
      readonly enter: boolean;
      readonly shift: boolean;
      readonly ctrl: boolean;
      readonly composing: boolean;
      /** keyCode 229: the input method has the key. */
      readonly held: boolean;
      readonly repeat: boolean;
      readonly at: number;
    }
  | { readonly type: 'keyup'; readonly enter: boolean }
  | { readonly type: 'compositionstart' }
  | { readonly type: 'compositionupdate'; readonly data: string }
  | { readonly type: 'compositionend'; readonly data: string; readonly at: number }
  /** The browser is about to break the line. */
  | { readonly type: 'linebreak'; readonly at: number }
  | { readonly type: 'blur' };

/**
 * send: send the whole text. After a composition's end read the field in a new task, when the syllable is in it.
 * swallow: prevent the default, this press has already sent. pass: leave the event alone.
 */
export type EnterAct = 'send' | 'swallow' | 'pass';

export const noEnter: EnterState = {
  composing: false,
  composed: '',
  justEnded: false,
  due: false,
  sentAt: undefined,
  ctrl: false,
};

/** Reports of the same press follow each other within this time, even on a slow phone. */
const samePress = 500;

/** Hangul syllables and letters: what the Korean input method composes. Enter ends other compositions and no more. */
const hangul = /^[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]+$/;

export function enter(state: EnterState, event: EnterEvent): { state: EnterState; act: EnterAct } {
  switch (event.type) {
    case 'compositionstart':
      return pass({ ...state, composing: true, composed: '', justEnded: false, due: false });
    case 'compositionupdate':
      return pass({ ...state, composed: event.data });
    case 'compositionend':
      return ended({ ...state, composing: false, composed: event.data, justEnded: true }, event.at);
    case 'keydown':
      return event.enter && !event.shift ? pressed(state, event) : pass(other(state, event));
    case 'linebreak':
      return { state, act: state.due || fresh(state, event.at) ? 'swallow' : 'pass' };
    case 'keyup':
      return pass(event.enter ? { ...state, sentAt: undefined } : state);
    case 'blur':
      return pass({ ...noEnter, composing: state.composing, composed: state.composed });
  }
}

function pressed(
  state: EnterState,
  event: Extract<EnterEvent, { type: 'keydown' }>,
): { state: EnterState; act: EnterAct } {
  if (fresh(state, event.at) || event.repeat) return { state, act: 'swallow' };
  if (event.composing || state.composing) return pass({ ...state, due: true, ctrl: event.ctrl });
  // Safari ends the composition before it reports the key. Of a composition that is no Hangul, the key was part.
  if (event.held && state.justEnded && !hangul.test(state.composed)) {
    return pass({ ...state, justEnded: false });
  }
  return send({ ...state, ctrl: event.ctrl }, event.at);
}

function ended(state: EnterState, at: number): { state: EnterState; act: EnterAct } {
  if (!state.due) return pass(state);
  // With a candidate list (hanja, kana) Enter chose a candidate.
  if (!hangul.test(state.composed)) return pass({ ...state, due: false });
  return send(state, at);
}

const send = (state: EnterState, at: number): { state: EnterState; act: EnterAct } => ({
  state: { ...state, due: false, justEnded: false, sentAt: at },
  act: 'send',
});

const pass = (state: EnterState): { state: EnterState; act: EnterAct } => ({ state, act: 'pass' });

const fresh = (state: EnterState, at: number): boolean =>
  state.sentAt !== undefined && at - state.sentAt < samePress;

/** Another key: whatever an earlier Enter was waiting for is over. */
const other = (state: EnterState, event: Extract<EnterEvent, { type: 'keydown' }>): EnterState =>
  event.held && state.composing
    ? { ...state, due: false }
    : { ...state, due: false, justEnded: false, sentAt: undefined };
