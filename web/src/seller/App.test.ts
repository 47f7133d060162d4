import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Chat, Options } from '../sdk';
import { Router } from '../ui/router/router.svelte';
import App from './App.svelte';
import { patterns } from '../kit/seller/routes';
import { fakeChat, live } from '../kit/seller/testing/fakeChat';
import { apiOf, json, member, problem, type Answer } from '../kit/seller/testing/fixture';
// Fetched when they are needed; here they are there already, whatever the machine's speed.
import '../features/chat/seller/roomParts';
import '../features/member/seller/gate';
import '../features/member/seller/SettingsPage.svelte';

const chats = vi.hoisted(() => ({ create: vi.fn<(options: Options) => Chat>() }));
vi.mock('../sdk', () => ({ createChat: chats.create }));

const moon = { id: 's1', name: '달빛상점', role: 'owner' };
const forest = { id: 's2', name: '숲속공방', role: 'agent' };
const me = (...shops: unknown[]) => ({ member, operator: false, shops });

function open(answers: Record<string, Answer>, address = '/seller') {
  history.replaceState(null, '', address);
  const { api, asked } = apiOf(answers);
  render(App, { props: { api, router: new Router(patterns) } });
  return { asked, user: userEvent.setup() };
}

let fakes: ReturnType<typeof fakeChat>[];

beforeEach(() => {
  localStorage.clear();
  fakes = [];
  chats.create.mockReset().mockImplementation(() => {
    const fake = fakeChat();
    fakes.push(fake);
    return fake.chat;
  });
});

const inbox = () => screen.findByRole('heading', { level: 1, name: '문의함' });

describe('the way in', () => {
  it('asks who is there, then for a sign-in, then opens the inbox', async () => {
    const { asked, user } = open({
      'GET /me': () => problem(401, 'unauthenticated'),
      'POST /session': (_, body) =>
        (body as { password: string }).password === 'right'
          ? me(moon)
          : problem(401, 'invalid_credentials'),
    });
    await user.type(await screen.findByLabelText('이메일'), 'moon@demo.mall');
    await user.type(screen.getByLabelText('비밀번호'), 'wrong{Enter}');
    await screen.findByText('이메일 또는 비밀번호가 맞지 않습니다.');
    await user.clear(screen.getByLabelText('비밀번호'));
    await user.type(screen.getByLabelText('비밀번호'), 'right{Enter}');
    await inbox();
    expect(chats.create).toHaveBeenCalledWith({ member, shopId: 's1' });
    expect(asked.filter(({ what }) => what === 'GET /me')).toHaveLength(1);
  });

  it('tells a member without a shop so, and opens one', async () => {
    let shops: unknown[] = [];
    const { user } = open({
      'GET /me': () => me(...shops),
      'POST /shops': () => {
        shops = [moon];
        return json({ id: 's1', name: '달빛상점', created_at: '2026-11-01T00:00:00Z' }, 201);
      },
    });
    await screen.findByText(/박달님님은 어느 상점의 직원도 아닙니다/);
    await user.click(screen.getByRole('button', { name: '상점 열기' }));
    expect(screen.getByText('상점 이름을 입력해 주세요.')).toBeTruthy();
    expect(chats.create).not.toHaveBeenCalled();
    await user.type(screen.getByLabelText('상점 이름'), '달빛상점{Enter}');
    await inbox();
  });

  it('says when it could not find out who is there', async () => {
    let away = true;
    const { user } = open({
      'GET /me': () => (away ? problem(503, 'unavailable') : me(moon)),
    });
    const retry = await screen.findByRole('button', { name: '다시 시도' });
    away = false;
    await user.click(retry);
    await inbox();
  });
});

describe('several shops', () => {
  it('switches between them and remembers the last', async () => {
    const { user } = open({ 'GET /me': () => me(moon, forest) });
    await inbox();
    await user.selectOptions(screen.getByLabelText('상점'), '숲속공방');
    await waitFor(() => expect(chats.create).toHaveBeenCalledTimes(2));
    expect(chats.create.mock.calls.map(([options]) => options.shopId)).toEqual(['s1', 's2']);
    expect(fakes[0]?.chat.destroy).toHaveBeenCalled();
    expect(document.title).toContain('숲속공방');
    expect(localStorage.getItem('mall-seller-shop')).toBe('s2');
  });
});

describe('a session that ends', () => {
  it('asks to sign in over what is on screen, and goes on', async () => {
    const { user } = open({ 'GET /me': () => me(moon), 'POST /session': () => me(moon) });
    await inbox();
    const [fake] = fakes;
    const status = fake?.chat.status as unknown as { set(status: unknown): void };
    status.set({ ...live, phase: 'closed', code: 4401 });
    const sheet = within(await screen.findByRole('dialog', { name: '다시 로그인해 주세요' }));
    expect(sheet.getByLabelText<HTMLInputElement>('이메일').value).toBe('moon@demo.mall');
    await user.type(sheet.getByLabelText('비밀번호'), 'right{Enter}');
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    expect(chats.create).toHaveBeenCalledOnce();
    expect(fake?.chat.connect).toHaveBeenCalledTimes(2);
  });

  it('leaves nothing on screen after signing out', async () => {
    const { user } = open(
      {
        'GET /me': () => me(moon),
        'GET /shops/s1/staff': () => ({ items: [] }),
        'DELETE /session': () => new Response(null, { status: 204 }),
      },
      '/seller/settings',
    );
    await user.click(await screen.findByRole('button', { name: '로그아웃' }));
    await screen.findByRole('heading', { name: '판매자 센터 로그인' });
    expect(fakes[0]?.chat.destroy).toHaveBeenCalled();
  });
});

describe('the menu', () => {
  it('says how many inquiries are unread, also in the title', async () => {
    open({ 'GET /me': () => me(moon) });
    await inbox();
    fakes[0]?.summary.set({ ...fakes[0].summary.get(), unreadRooms: 3 });
    await screen.findByText('안 읽은 문의 3건');
    expect(document.title).toBe('(3) 문의 · 달빛상점');
  });

  it('says that an address leads nowhere', async () => {
    open({ 'GET /me': () => me(moon) }, '/seller/nowhere');
    await screen.findByText('페이지를 찾을 수 없습니다.');
  });
});
