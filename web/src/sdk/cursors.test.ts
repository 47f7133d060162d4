import { expect, it } from 'vitest';
import { createCursorReports } from './cursors';
import { FakeClock } from './testing/clock';
import type { ClientFrame } from './protocol';

function reporting() {
  const clock = new FakeClock();
  const said: string[] = [];
  let isLive = true;
  const reports = createCursorReports(clock, (frame: ClientFrame) => {
    if (isLive && 'seq' in frame) said.push(`${frame.type} ${frame.room_id} ${frame.seq}`);
    return isLive;
  });
  return { clock, said, reports, setLive: (on: boolean) => (isLive = on) };
}

it('says the first at once and gathers the rest for 500 ms', async () => {
  const { clock, said, reports } = reporting();
  reports.read('a', 1);
  reports.read('a', 2);
  reports.read('b', 7);
  reports.read('a', 4);
  reports.read('a', 3);
  expect(said).toEqual(['read a 1']);
  await clock.advance(500);
  expect(said).toEqual(['read a 1', 'read a 4', 'read b 7']);
});

it('does not say delivered for what is read', async () => {
  const { clock, said, reports } = reporting();
  reports.delivered('a', 3);
  reports.delivered('a', 5);
  reports.read('a', 5);
  await clock.advance(2000);
  expect(said).toEqual(['delivered a 3', 'read a 5']);
});

it('says again after a lost link what was not confirmed, and only that', async () => {
  const { clock, said, reports, setLive } = reporting();
  reports.read('a', 1);
  reports.read('b', 2);
  await clock.advance(1000);
  reports.confirmed('a', { deliveredSeq: 1, readSeq: 1 });
  setLive(false);
  reports.read('c', 3);
  await clock.advance(1000);
  setLive(true);
  said.length = 0;
  reports.live();
  await clock.advance(1000);
  expect(said).toEqual(['read b 2', 'read c 3']);
});

it('leaves the old numbering behind', async () => {
  const { clock, said, reports } = reporting();
  reports.read('a', 90);
  reports.reset();
  reports.live();
  await clock.advance(1000);
  reports.read('a', 4);
  expect(said).toEqual(['read a 90', 'read a 4']);
});
