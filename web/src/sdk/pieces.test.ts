import { describe, expect, it } from 'vitest';
import { checkDraft, codePoints, defaultLimits } from './body';
import { lazy } from './lazy';
import { stamp, toMessage } from './mapping';
import { emitter, writable } from './store';
import { createUuid } from './uuid';
import { seeded } from './testing/clock';

describe('stores', () => {
  it('call at once, then on change, until told to stop', () => {
    const store = writable(1);
    const seen: number[] = [];
    const stop = store.subscribe((n) => seen.push(n));
    store.set(2);
    store.set(2);
    stop();
    store.set(3);
    expect(seen).toEqual([1, 2]);
    expect(store.get()).toBe(3);
  });

  it('made from other state renew once a turn, and at once for a reader', async () => {
    let n = 0;
    const store = lazy(() => ({ n }));
    const seen: number[] = [];
    store.subscribe((v) => seen.push(v.n));
    for (n = 1; n < 5; n++) store.touch();
    expect(seen).toEqual([0]);
    await Promise.resolve();
    expect(seen).toEqual([0, 5]);
    n = 9;
    store.touch();
    expect(store.get().n).toBe(9);
    expect(store.get()).toBe(store.get());
  });

  it('end a listener with its signal', () => {
    const events = emitter<{ a: number }>();
    const seen: number[] = [];
    const life = new AbortController();
    events.on('a', (n) => seen.push(n), { signal: life.signal });
    const off = events.on('a', (n) => seen.push(-n));
    events.emit('a', 1);
    life.abort();
    off();
    events.emit('a', 2);
    expect(seen).toEqual([1, -1]);
  });
});

describe('ids', () => {
  it('are version 7 and sort in the order of their making, even when the clock goes back', () => {
    let now = 1_795_000_000_000;
    const random = seeded(3);
    const uuid = createUuid(
      () => now,
      (bytes) => bytes.forEach((_, i) => (bytes[i] = random() * 256)),
    );
    const made: string[] = [];
    for (let i = 0; i < 20_000; i++) {
      made.push(uuid());
      if (i % 3000 === 0) now += 1;
      if (i === 9000) now -= 60_000;
    }
    expect(made[0]).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(parseInt(made[0]!.replace('-', '').slice(0, 12), 16)).toBe(1_795_000_000_000);
    expect([...made].sort()).toEqual(made);
    expect(new Set(made).size).toBe(made.length);
  });
});

describe('a body', () => {
  const code = (text: string, card = false) => {
    try {
      const product = { kind: 'product', id: 'p', title: 't' } as const;
      checkDraft(card ? { text, card: product } : { text }, defaultLimits);
      return undefined;
    } catch (e) {
      return (e as { code: string }).code;
    }
  };

  it('is counted in code points, as the server counts', () => {
    expect(codePoints('가나다')).toBe(3);
    expect(codePoints('👍🏽')).toBe(2);
    expect(codePoints('\ud83d')).toBe(1);
  });

  it('is checked as the server checks it', () => {
    expect(code('네')).toBeUndefined();
    expect(code('두\n줄\t과 탭')).toBeUndefined();
    expect(code('')).toBe('empty_body');
    expect(code(' \n ')).toBe('empty_body');
    expect(code('', true)).toBeUndefined();
    expect(code('😀'.repeat(2000))).toBeUndefined();
    expect(code('😀'.repeat(2001))).toBe('too_long');
    expect(code(Array(100).fill('x').join('\n'))).toBeUndefined();
    expect(code(Array(101).fill('x').join('\n'))).toBe('too_long');
    expect(code(Array(101).fill('x').join('\u2028'))).toBe('too_long');
    expect(code('가족 👨‍👩‍👧‍👦 ❤️')).toBeUndefined();
    expect(code('e' + '\u0301'.repeat(32))).toBeUndefined();
    for (const unseen of [
      '\u200b\u2060',
      '\u3164',
      '\u2800',
      '\ufe0f',
      '\u{e0041}',
      '\u202e',
      '\u2028',
    ]) {
      expect(code(unseen)).toBe('empty_body');
    }
    const marks = '\u0301'.repeat(20);
    const towers = ['e' + marks + marks, 'e' + marks + '\u200d' + marks];
    for (const bad of [
      'a\u0000',
      'a\u0085',
      'a\r\n',
      '\ud800',
      'x\udc00',
      'a\ufffe',
      'a\uffff',
      ...towers,
    ]) {
      expect(code(bad)).toBe('invalid_body');
    }
  });
});

describe('the wire', () => {
  it('sorts times the server shortened', () => {
    const times = [
      '2026-11-22T03:00:00Z',
      '2026-11-22T03:00:00.00012Z',
      '2026-11-22T03:00:00.0002Z',
      '2026-11-22T03:00:00.1Z',
      '2026-11-22T03:00:00.123456Z',
      '2026-11-22T03:00:01Z',
    ];
    expect(times.map(stamp).sort()).toEqual(times.map(stamp));
  });

  it('lets no other member take the place of a message of ours', () => {
    const wire = {
      room_id: 'r',
      kind: 'text' as const,
      body: 'x',
      client_msg_id: 'same',
      created_at: '2026-11-22T03:00:00Z',
    };
    const viewer = { memberId: 'a1', side: 'shop' as const };
    const keys = ['a1', 'a2'].map(
      (member_id, i) =>
        toMessage({ ...wire, seq: i + 1, sender: { party: 'shop', member_id } }, viewer).key,
    );
    expect(new Set(keys).size).toBe(2);
    expect(toMessage({ ...wire, seq: 3, sender: { party: 'system' } }, viewer)).toMatchObject({
      mine: false,
      byMe: false,
    });
  });
});
