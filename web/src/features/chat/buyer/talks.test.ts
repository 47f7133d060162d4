import { expect, test, vi } from 'vitest';
import type { Chat } from '../../../sdk';
import { Talks } from './talks.svelte';

function clients() {
  const made: { id: string; connect: () => void; destroy: () => void }[] = [];
  const talks = new Talks(async ({ id }) => {
    const chat = { id, connect: vi.fn(), destroy: vi.fn() };
    made.push(chat);
    return chat as unknown as Chat;
  });
  return { talks, made };
}

const member = (id: string) => ({ id, name: id });

test('one client for a member, connected again after a new sign-in', async () => {
  const { talks, made } = clients();
  await talks.use(member('a'));
  await talks.use(member('a'));
  expect(made).toHaveLength(1);
  expect(made[0]!.connect).toHaveBeenCalledTimes(2);
});

test('another member gets another client', async () => {
  const { talks, made } = clients();
  await talks.use(member('a'));
  await talks.use(member('b'));
  expect(made.map((c) => c.id)).toEqual(['a', 'b']);
  expect(made[0]!.destroy).toHaveBeenCalledOnce();
  await talks.use(undefined);
  expect(talks.chat).toBeUndefined();
  expect(made[1]!.destroy).toHaveBeenCalledOnce();
});

test('a client that arrives after its member left is put away', async () => {
  const { talks, made } = clients();
  const late = talks.use(member('a'));
  await talks.use(undefined);
  await late;
  expect(talks.chat).toBeUndefined();
  expect(made[0]!.destroy).toHaveBeenCalledOnce();
});
