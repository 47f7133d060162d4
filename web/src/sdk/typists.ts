import type { Clock } from './env';
import type { TypingFrame } from './protocol';
import type { Typist } from './types';

/** A message that follows at once would only make the line flash. */
const delayMs = 300;
const lastsMs = 6_000;

export interface Typists {
  hear(frame: TypingFrame): void;
  stop(memberId: string | undefined): void;
}

/** Who is typing in one room: shown after 300 ms, gone 6 s after the last sign. */
export function createTypists(clock: Clock, show: (typing: readonly Typist[]) => void): Typists {
  const typists = new Map<string, { who: Typist; shown: boolean; cancel: () => void }>();

  const update = () => show([...typists.values()].filter((t) => t.shown).map((t) => t.who));

  function stop(memberId: string | undefined) {
    const typist = memberId === undefined ? undefined : typists.get(memberId);
    if (!typist) return;
    typist.cancel();
    typists.delete(typist.who.memberId);
    if (typist.shown) update();
  }

  function hear({ party, member_id: memberId, name, on }: TypingFrame) {
    if (!on) return stop(memberId);
    const known = typists.get(memberId);
    known?.cancel();
    const last = () => clock.after(lastsMs, () => stop(memberId));
    if (known?.shown) {
      known.cancel = last();
      return;
    }
    const typist = { who: { party, memberId, name }, shown: false, cancel: () => {} };
    typist.cancel = clock.after(delayMs, () => {
      typist.shown = true;
      typist.cancel = last();
      update();
    });
    typists.set(memberId, typist);
  }

  return { hear, stop };
}
