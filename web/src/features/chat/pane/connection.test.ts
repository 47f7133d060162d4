import { expect, test } from 'vitest';
import type { Status } from '../../../sdk';
import { connectionBar } from './connection';

const status = (change: Partial<Status>): Status => ({
  phase: 'live',
  attempt: 0,
  online: true,
  resumed: false,
  leader: true,
  ...change,
});

const now = 1_000_000;
const down = (change: Partial<Status> = {}) =>
  status({ phase: 'waiting', downSince: now - 5_000, retryAt: now + 1_000, ...change });

test('a live or idle link needs no words', () => {
  expect(connectionBar(status({}), now)).toBeUndefined();
  expect(connectionBar(status({ phase: 'idle' }), now)).toBeUndefined();
});

test('two seconds of silence before anything is said', () => {
  expect(connectionBar(down({ downSince: now - 1_999 }), now)).toBeUndefined();
  expect(connectionBar(down({ downSince: now - 2_000 }), now)).toEqual({ kind: 'reconnecting' });
});

test('offline is said at once', () => {
  expect(connectionBar(down({ online: false, downSince: now }), now)).toEqual({ kind: 'offline' });
  // The socket may take a minute to notice.
  expect(connectionBar(status({ online: false }), now)).toEqual({ kind: 'offline' });
});

test('long waits count down to their end', () => {
  const waiting = down({ retryAt: now + 20_000 });
  expect(connectionBar(waiting, now, now)).toEqual({ kind: 'retryIn', seconds: 20 });
  expect(connectionBar(waiting, now + 19_500, now)).toEqual({ kind: 'retryIn', seconds: 1 });
  expect(connectionBar(waiting, now + 20_000, now)).toEqual({ kind: 'reconnecting' });
});

test('short waits do not', () => {
  expect(connectionBar(down({ retryAt: now + 14_000 }), now, now)).toEqual({
    kind: 'reconnecting',
  });
});

test('the good news is short, and only news after a bar', () => {
  expect(connectionBar(status({}), now, undefined, now - 1_000)).toEqual({ kind: 'connected' });
  expect(connectionBar(status({}), now, undefined, now - 1_200)).toBeUndefined();
});

test.each([
  [4401, 'signIn'],
  [4403, 'refused'],
  [4409, 'tooMany'],
  [4400, 'closed'],
] as const)('close code %d', (code, kind) => {
  expect(connectionBar(status({ phase: 'closed', code }), now)).toEqual({ kind });
});
