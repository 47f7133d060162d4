import { describe, expect, it } from 'vitest';
import { createSequencer } from './sequencer';
import { FakeClock, seeded } from './testing/clock';

function sequenced(start?: number) {
  const clock = new FakeClock();
  const applied: number[] = [];
  const asked: number[] = [];
  const sequencer = createSequencer<number>({
    clock,
    seqOf: (n) => n,
    apply: (n) => void applied.push(n),
    fill: (position) => void asked.push(position),
  });
  if (start !== undefined) sequencer.start(start);
  const offer = (...items: number[]) => items.forEach((n) => sequencer.offer(n));
  return { clock, applied, asked, sequencer, offer };
}

describe('the sequencer', () => {
  it('applies each number once and in order, however they come', () => {
    const { applied, offer } = sequenced(0);
    offer(2, 1, 1, 4, 2, 3, 3, 4, 5);
    expect(applied).toEqual([1, 2, 3, 4, 5]);
  });

  it('holds everything until it knows where to start', () => {
    const { applied, sequencer, offer } = sequenced();
    offer(8, 6, 7, 5);
    expect(applied).toEqual([]);
    sequencer.start(6);
    expect(applied).toEqual([7, 8]);
  });

  it('asks for a hole only when what is late has had its time', async () => {
    const { clock, asked, offer } = sequenced(0);
    offer(2);
    await clock.advance(100);
    offer(1);
    await clock.advance(1000);
    expect(asked).toEqual([]);
    offer(4);
    await clock.advance(200);
    expect(asked).toEqual([2]);
  });

  it('learns of a lost last message from the head alone', async () => {
    const { clock, asked, sequencer } = sequenced(5);
    sequencer.expect(5);
    await clock.advance(1000);
    expect(asked).toEqual([]);
    sequencer.expect(6);
    await clock.advance(200);
    expect(asked).toEqual([5]);
  });

  it('asks again after a fill that left something missing, and once at a time', async () => {
    const { clock, asked, sequencer, offer } = sequenced(0);
    offer(5);
    await clock.advance(200);
    offer(7);
    await clock.advance(1000);
    expect(asked).toEqual([0]);
    offer(1, 2, 3, 4);
    sequencer.filled(5);
    await clock.advance(200);
    expect(asked).toEqual([0, 5]);
    offer(6);
    sequencer.filled(7);
    await clock.advance(1000);
    expect(asked).toEqual([0, 5]);
  });

  it('does not chase a head that the server takes back', async () => {
    const { clock, asked, sequencer } = sequenced(3);
    sequencer.expect(9);
    await clock.advance(200);
    sequencer.filled(3);
    await clock.advance(60_000);
    expect(asked).toEqual([3]);
    expect(sequencer.missing()).toBe(false);
  });

  it('bounds what it holds and still ends whole', async () => {
    const { clock, applied, asked, sequencer, offer } = sequenced(0);
    for (let n = 2; n <= 1000; n++) offer(n);
    await clock.advance(200);
    expect(asked).toEqual([0]);
    offer(1);
    sequencer.filled(1);
    expect(applied.length).toBeLessThan(1000);
    await clock.advance(200);
    expect(asked.length).toBe(2);
    for (let n = asked[1]! + 1; n <= 1000; n++) offer(n);
    sequencer.filled(1000);
    expect(applied).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
  });

  it('ends the same for any order and any doubling', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = seeded(seed);
      const { applied, offer } = sequenced(0);
      const all = Array.from({ length: 40 }, (_, i) => i + 1);
      const sent = all.flatMap((n) => (random() < 0.3 ? [n, n] : [n]));
      sent.sort(() => random() - 0.5);
      offer(...sent);
      expect(applied).toEqual(all);
    }
  });
});
