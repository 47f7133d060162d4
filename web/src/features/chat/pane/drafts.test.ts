import 'fake-indexeddb/auto';
import { expect, test } from 'vitest';
import { storedDrafts } from './drafts';

test('a draft survives a reload and belongs to one member and room', async () => {
  await storedDrafts('지민').save('room', '안녕하세');
  const reloaded = storedDrafts('지민');
  expect(await reloaded.load('room')).toBe('안녕하세');
  expect(await reloaded.load('other')).toBe('');
  expect(await storedDrafts('수아').load('room')).toBe('');
});

test('an emptied field leaves nothing behind', async () => {
  const drafts = storedDrafts('지민');
  await drafts.save('room', 'x');
  await drafts.save('room', '');
  expect(await storedDrafts('지민').load('room')).toBe('');
});
