import { describe, expect, it } from 'vitest';
import { room, fakeChat, inboxOf } from '../../../kit/seller/testing/fakeChat';
import { InboxList } from './inboxList.svelte';

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((id) => room(id)) as [
  ReturnType<typeof room>,
  ReturnType<typeof room>,
  ReturnType<typeof room>,
  ReturnType<typeof room>,
];
const shown = (list: InboxList) =>
  list.rows.map((row) => row.room.id + (row.left ? '-' : '')).join('');

function open(...items: Parameters<typeof inboxOf>) {
  const fake = fakeChat();
  fake.inbox.set(inboxOf(...items));
  return { ...fake, list: new InboxList(fake.chat, 'waiting') };
}

describe('InboxList', () => {
  it('follows the chat client while nobody holds it', () => {
    const { list, inbox } = open(a, b);
    inbox.set(inboxOf(c, a));
    expect(shown(list)).toBe('ca');
    expect([list.fresh, list.moved]).toEqual([0, false]);
  });

  it('keeps rows in place while held, changes them there, and applies the order when let go', () => {
    const { list, inbox } = open(a, b);
    list.hold('pointer', true);
    inbox.set(inboxOf(c, { ...b, unread: 5 }));
    expect(shown(list)).toBe('a-b');
    expect(list.rows[1]?.room.unread).toBe(5);
    expect([list.fresh, list.moved]).toEqual([1, true]);
    list.hold('pointer', false);
    expect(shown(list)).toBe('cb');
    expect([list.fresh, list.moved]).toEqual([0, false]);
  });

  it('stays held while either the pointer or the focus is there', () => {
    const { list, inbox } = open(a);
    list.hold('pointer', true);
    list.hold('focus', true);
    list.hold('pointer', false);
    inbox.set(inboxOf(b, a));
    expect(shown(list)).toBe('a');
    list.hold('focus', false);
    expect(shown(list)).toBe('ba');
  });

  it('applies the order on demand and stays held', () => {
    const { list, inbox } = open(a);
    list.hold('pointer', true);
    inbox.set(inboxOf(b, a));
    list.apply();
    expect(shown(list)).toBe('ba');
    inbox.set(inboxOf(c, b, a));
    expect(shown(list)).toBe('ba');
    expect(list.fresh).toBe(1);
  });

  it('shows a further page below even while held, but not what came in above', async () => {
    const { list, inbox, more } = open(a, b);
    list.hold('pointer', true);
    more.mockImplementation(() => {
      inbox.set(inboxOf(d, a, b, c));
      return Promise.resolve();
    });
    await list.more();
    expect(shown(list)).toBe('abc');
    expect(list.fresh).toBe(1);
  });

  it('walks over the rows that still belong here', () => {
    const { list, inbox } = open(a, b, c);
    list.hold('focus', true);
    inbox.set(inboxOf(a, c));
    expect(list.neighbour(1)?.id).toBe('a');
    list.select('a');
    expect(list.neighbour(1)?.id).toBe('c');
    list.select('c');
    expect(list.neighbour(-1)?.id).toBe('a');
    expect(list.neighbour(1)).toBeUndefined();
  });

  it('goes on from the place of a room that has left', () => {
    const { list, inbox } = open(a, b, c);
    list.select('b');
    inbox.set(inboxOf(a, c));
    expect(list.neighbour(1)?.id).toBe('c');
    expect(list.neighbour(-1)?.id).toBe('a');
  });

  it('says nothing any more once closed', () => {
    const { list, inbox } = open(a);
    list.close();
    inbox.set(inboxOf(b));
    expect(shown(list)).toBe('a');
  });
});
