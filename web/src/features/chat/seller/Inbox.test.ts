import { fireEvent, render, screen, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { tick } from 'svelte';
import { describe, expect, it } from 'vitest';
import type { Room } from '../../../sdk';
import { room, fakeChat, inboxOf } from '../../../kit/seller/testing/fakeChat';
import Inbox from './Inbox.svelte';
import { InboxList } from './inboxList.svelte';

const at = Date.parse('2026-11-22T05:00:00Z');
const minutes = (n: number) => n * 60_000;
const waitingFor = (id: string, n: number) => room(id, { waitingSince: at - minutes(n) });

function open(items: Room[], roomId?: string) {
  const fake = fakeChat();
  fake.inbox.set(inboxOf(...items));
  fake.summary.set({
    ...fake.summary.get(),
    states: { waiting: 3, open: 12, held: 0, done: 120 },
  });
  const list = new InboxList(fake.chat, 'waiting');
  const { container, rerender } = render(Inbox, {
    props: { list, tab: 'waiting', summary: fake.summary.get(), roomId, now: at },
  });
  const names = () =>
    within(screen.getByRole('list'))
      .getAllByRole('link')
      .map((link) => link.querySelector('strong')?.textContent);
  const scroll = container.querySelector('.scroll') as HTMLElement;
  return { ...fake, list, names, rerender, scroll, user: userEvent.setup() };
}

describe('the inbox', () => {
  it('counts each tab and marks the one on screen', () => {
    open([]);
    const tabs = within(screen.getByRole('navigation')).getAllByRole('link');
    expect(tabs.map((tab) => tab.textContent?.replace(/\s+/g, ' ').trim())).toEqual([
      '대기 3',
      '진행 12',
      '보류 0',
      '완료 120',
    ]);
    expect(tabs[0]?.getAttribute('aria-current')).toBe('page');
    expect(screen.getByText('대기 중인 문의가 없습니다')).toBeTruthy();
  });

  it('keeps the open room while tabs change', () => {
    open([room('a')], 'a');
    expect(screen.getByRole('link', { name: /완료/ }).getAttribute('href')).toBe(
      '/seller/c/a?tab=done',
    );
    expect(screen.getByRole('link', { name: /구매자 a/ }).getAttribute('aria-current')).toBe(
      'true',
    );
  });

  it('says in words how long each has waited, and how bad that is', () => {
    open([waitingFor('a', 125), waitingFor('b', 45), waitingFor('c', 3), waitingFor('d', 0)]);
    const chip = (name: string) =>
      screen.getByRole('link', { name: new RegExp(name) }).querySelector('.chip');
    const said = (name: string) => chip(name)?.textContent?.replace(/\s+/g, ' ').trim();
    expect(said('구매자 a')).toBe('2시간 5분째 (2시간 넘음)');
    expect(chip('구매자 a')?.classList.contains('error')).toBe(true);
    expect(said('구매자 b')).toBe('45분째 (30분 넘음)');
    expect(chip('구매자 b')?.classList.contains('warn')).toBe(true);
    expect(said('구매자 c')).toBe('3분째');
    expect(chip('구매자 c')?.classList.contains('neutral')).toBe(true);
    expect(said('구매자 d')).toBe('방금');
  });

  it('keeps rows under the pointer in place; the pill applies the order', async () => {
    const { inbox, names, scroll, user } = open([room('a'), room('b')]);
    await fireEvent.pointerEnter(scroll, { pointerType: 'mouse' });
    inbox.set(inboxOf(room('c'), room('d'), room('b'), room('a')));
    await tick();
    expect(names()).toEqual(['구매자 a', '구매자 b']);
    await user.click(screen.getByRole('button', { name: /새 문의 2건/ }));
    expect(names()).toEqual(['구매자 c', '구매자 d', '구매자 b', '구매자 a']);
    expect(screen.queryByRole('button', { name: /새 문의/ })).toBeNull();
  });

  it('keeps rows in place while the keyboard is among them', async () => {
    const { inbox, names } = open([room('a')]);
    screen.getByRole('link', { name: /구매자 a/ }).focus();
    await tick();
    inbox.set(inboxOf(room('b'), room('a')));
    await tick();
    expect(names()).toEqual(['구매자 a']);
    screen.getByRole('link', { name: /완료/ }).focus();
    await tick();
    expect(names()).toEqual(['구매자 b', '구매자 a']);
  });

  it('lets go of a tab that another takes the place of, and holds that one', async () => {
    const { chat, inbox, list, names, rerender, scroll } = open([room('a')]);
    await fireEvent.pointerEnter(scroll, { pointerType: 'mouse' });
    const other = new InboxList(chat, 'open');
    await rerender({ list: other, tab: 'open' });
    inbox.set(inboxOf(room('b'), room('a')));
    await tick();
    expect(names()).toEqual(['구매자 a']);
    expect(list.rows.map((row) => row.room.id)).toEqual(['b', 'a']);
  });

  it('is not held by a finger, which leaves no pointer behind', async () => {
    const { inbox, names, scroll } = open([room('a')]);
    await fireEvent.pointerEnter(scroll, { pointerType: 'touch' });
    inbox.set(inboxOf(room('b'), room('a')));
    await tick();
    expect(names()).toEqual(['구매자 b', '구매자 a']);
  });

  it('says that a row under the pointer belongs elsewhere by now', async () => {
    const { inbox, scroll } = open([room('a')]);
    await fireEvent.pointerEnter(scroll, { pointerType: 'mouse' });
    inbox.set(inboxOf());
    await tick();
    expect(screen.getByText('다른 상태로 옮김')).toBeTruthy();
  });

  it('says what failed and tries again', async () => {
    const { inbox, more, user } = open([]);
    inbox.set({ ...inboxOf(), loaded: false, error: new Error('away') as never });
    await tick();
    await user.click(screen.getByRole('button', { name: '다시 시도' }));
    expect(more).toHaveBeenCalled();
  });
});
