// Asks the socket for what was missed, and knows when that is answered.
import type { Clock } from './env';
import type { Heads, ResumeFrame } from './protocol';

const answerMs = 5_000;

export interface Resumes {
  /** Resolves true when everything up to the answer has come in, false when it was refused or never answered. */
  ask(rooms: Heads, epoch: string): Promise<boolean>;
  /** An answer with this id is there. */
  answered(id: string | undefined, whole: boolean): boolean;
  /** The link is gone, and with it all answers. */
  down(): void;
}

export function createResumes(clock: Clock, send: (frame: ResumeFrame) => boolean): Resumes {
  const open = new Map<string, (whole: boolean) => void>();
  let count = 0;
  return {
    ask(rooms, epoch) {
      return new Promise((resolve) => {
        const id = `r${++count}`;
        const done = (whole: boolean) => {
          cancel();
          open.delete(id);
          resolve(whole);
        };
        const cancel = clock.after(answerMs, () => done(false));
        open.set(id, done);
        if (!send({ type: 'resume', id, epoch, rooms })) done(false);
      });
    },
    answered(id, whole) {
      const done = id === undefined ? undefined : open.get(id);
      done?.(whole);
      return done !== undefined;
    },
    down() {
      for (const done of [...open.values()]) done(false);
    },
  };
}
