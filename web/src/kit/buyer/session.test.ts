import { afterEach, expect, test } from 'vitest';
import { call } from '../../api/client';
import { me, problem, server, type Answers } from './testing';
import { Session } from './session.svelte';

let stop: (() => void) | undefined;
afterEach(() => stop?.());

async function start(answers: Answers) {
  const { api, asked } = server(answers);
  const session = new Session(api);
  stop = session.start();
  await expect.poll(() => session.state).not.toBe('checking');
  return { session, api, asked };
}

test('knows who is signed in', async () => {
  const { session } = await start({ 'GET /me': () => me });
  expect(session.me?.member.name).toBe('지민');
  expect(await session.require()).toBe(true);
  expect(session.asking).toBe(false);
});

test('browsing needs nobody', async () => {
  const { session } = await start({ 'GET /me': () => 401 });
  expect(session.state).toBe('out');
  expect(session.asking).toBe(false);
});

test('what needs a member waits for the sheet', async () => {
  const { session } = await start({ 'GET /me': () => 401, 'POST /session': () => me });
  const signedIn = session.require();
  await expect.poll(() => session.asking).toBe(true);
  await session.signIn('jimin@test', 'secret');
  expect(await signedIn).toBe(true);
  expect(session.asking).toBe(false);
});

test('a closed sheet is a no', async () => {
  const { session } = await start({ 'GET /me': () => 401 });
  const signedIn = session.require();
  await expect.poll(() => session.asking).toBe(true);
  session.dismiss();
  expect(await signedIn).toBe(false);
});

test('wrong credentials leave the sheet open', async () => {
  const { session } = await start({
    'GET /me': () => 401,
    'POST /session': () => problem(401, 'invalid_credentials'),
  });
  void session.require();
  await expect(session.signIn('a', 'b')).rejects.toMatchObject({ code: 'invalid_credentials' });
  expect(session.asking).toBe(true);
});

test('a lost session asks again and keeps what is on screen', async () => {
  const { session, api } = await start({ 'GET /me': () => me, 'GET /orders': () => 401 });
  await expect(call(api.GET('/orders'))).rejects.toMatchObject({ status: 401 });
  expect(session.asking).toBe(true);
  expect(session.me?.member.name).toBe('지민');
  session.dismiss();
  expect(session.me).toBeUndefined();
});

test('signing out in one tab signs out all', async () => {
  const { session } = await start({ 'GET /me': () => me, 'DELETE /session': () => ({}) });
  const { api } = server({ 'GET /me': () => me, 'DELETE /session': () => ({}) });
  const other = new Session(api);
  const stopOther = other.start();
  await expect.poll(() => other.state).toBe('in');
  await other.signOut();
  await expect.poll(() => session.state).toBe('out');
  expect(session.asking).toBe(false);
  stopOther();
});

test('an account is made and used at once', async () => {
  const { session, asked } = await start({
    'GET /me': () => 401,
    'POST /members': () => me.member,
    'POST /session': () => me,
  });
  await session.signUp('jimin@test', 'long-enough', '지민');
  expect(asked.map((a) => a.what)).toEqual(['GET /me', 'POST /members', 'POST /session']);
  expect(session.state).toBe('in');
});

test('another member’s session asks again and keeps what is on screen', async () => {
  const { session, api } = await start({
    'GET /me': () => me,
    'POST /session': () => me,
    'GET /orders': () => problem(409, 'other_member'),
  });
  await expect(call(api.GET('/orders'))).rejects.toMatchObject({ code: 'other_member' });
  expect(session.asking).toBe(true);
  expect(session.me?.member.name).toBe('지민');
  await session.signIn('jimin@test', 'secret');
  expect([session.state, session.asking]).toEqual(['in', false]);
});

test('another member is let in by another tab only', async () => {
  let now = me;
  const { session } = await start({ 'GET /me': () => now });
  now = { ...me, member: { ...me.member, id: 'm9', name: '다른 사람' } };
  await session.check();
  expect([session.asking, session.me?.member.name]).toEqual([true, '지민']);
  await session.check(true);
  expect(session.me?.member.name).toBe('다른 사람');
});
