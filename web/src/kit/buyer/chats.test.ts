import { expect, test, vi } from 'vitest';
import type { Chat } from '../../sdk';
import { Chats } from './chats.svelte';

function clients() {
  const made: { id: string; connect: () => void; destroy: () => void }[] = [];
  const chats = new Chats(async ({ id }) => {
    const chat = { id, connect: vi.fn(), destroy: vi.fn() };
    made.push(chat);
    return chat as unknown as Chat;
  });
  return { chats, made };
}

const member = (id: string) => ({ id, name: id });

test('one client for a member, connected again after a new sign-in', async () => {
  const { chats, made } = clients();
  await chats.use(member('a'));
  await chats.use(member('a'));
  expect(made).toHaveLength(1);
  expect(made[0]!.connect).toHaveBeenCalledTimes(2);
});

test('another member gets another client', async () => {
  const { chats, made } = clients();
  await chats.use(member('a'));
  await chats.use(member('b'));
  expect(made.map((c) => c.id)).toEqual(['a', 'b']);
  expect(made[0]!.destroy).toHaveBeenCalledOnce();
  await chats.use(undefined);
  expect(chats.chat).toBeUndefined();
  expect(made[1]!.destroy).toHaveBeenCalledOnce();
});

test('a client that arrives after its member left is put away', async () => {
  const { chats, made } = clients();
  const late = chats.use(member('a'));
  await chats.use(undefined);
  await late;
  expect(chats.chat).toBeUndefined();
  expect(made[0]!.destroy).toHaveBeenCalledOnce();
});
