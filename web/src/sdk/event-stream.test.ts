import { describe, expect, it } from 'vitest';
import { createEventReader } from './event-stream';
import { seeded } from './testing/clock';

function read(...pieces: string[]) {
  const events: [string, string][] = [];
  const reader = createEventReader((name, data) => events.push([name, data]));
  for (const piece of pieces) reader(piece);
  return events;
}

describe('an event stream', () => {
  it('is read whole and passes over what is no event', () => {
    expect(
      read(
        ': alive\n\n',
        'data: {"a":1}\n\n',
        'event: close\nid: 7\nretry: 10\ndata: x\n\n',
        'data:no space\n\n',
        'event: named but empty\n\n',
        'data:  two\ndata\ndata: lines: of it\n\n',
        'data: not ended\n',
      ),
    ).toEqual([
      ['', '{"a":1}'],
      ['close', 'x'],
      ['', 'no space'],
      ['', ' two\n\nlines: of it'],
    ]);
  });

  it('is the same however it is cut, with either line end', () => {
    const text = 'event: a\ndata: 하나\n\n: c\n\ndata: 둘\ndata: 셋\n\n';
    const whole = read(text);
    expect(whole.length).toBe(2);
    const random = seeded(5);
    for (let round = 0; round < 200; round++) {
      const said = round % 2 ? text : text.replaceAll('\n', '\r\n');
      const pieces: string[] = [];
      for (let at = 0; at < said.length;) {
        const size = 1 + Math.floor(random() * 9);
        pieces.push(said.slice(at, at + size));
        at += size;
      }
      expect(read(...pieces)).toEqual(whole);
    }
  });
});
