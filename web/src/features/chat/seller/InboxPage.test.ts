import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import Toasts from '../../../ui/components/Toasts.svelte';
import { dismiss, toasts } from '../../../ui/toasts.svelte';
import { prefs } from '../../../kit/seller/prefs.svelte';
import { room, inboxOf } from '../../../kit/seller/testing/fakeChat';
import { consoleOf, renderIn } from '../../../kit/seller/testing/fixture';
import { message } from '../../../sdk/testing/fakes';
import InboxPage from './InboxPage.svelte';
// Fetched by the page when it opens; here it is there already, whatever the machine's speed.
import './roomParts';

async function open(roomId: string | undefined) {
  const made = consoleOf(
    {
      'GET /shops/s1/orders': () => ({ items: [] }),
      'GET /chat/rooms/a/inquiries': () => ({ items: [] }),
    },
    roomId ? `/seller/c/${roomId}` : '/seller',
  );
  made.inbox.set(inboxOf(room('a'), room('b'), room('c')));
  made.setInquiry.mockImplementation((id) => Promise.resolve(room(id)));
  render(Toasts);
  renderIn(made.console, InboxPage, { roomId, tab: 'waiting' });
  if (roomId) await screen.findByRole('heading', { level: 1, name: '구매자 a' });
  const press = (code: string, more: KeyboardEventInit = {}) =>
    fireEvent.keyDown(document.activeElement ?? document.body, { code, ...more });
  return { ...made, press, user: userEvent.setup() };
}

const field = () => screen.getByLabelText<HTMLTextAreaElement>('메시지');

afterEach(() => {
  prefs.letters = true;
  for (const { id } of toasts()) dismiss(id);
});

describe('keys of the inbox', () => {
  it('opens the first room with J, and goes on from the open one', async () => {
    const { press, console } = await open(undefined);
    await press('KeyJ');
    expect(console.router.go).toHaveBeenLastCalledWith('/seller/c/a');
  });

  it('goes to the next one, by the place of the key and not its letter', async () => {
    const { press, console } = await open('a');
    await press('KeyJ', { key: 'ㅓ' });
    expect(console.router.go).toHaveBeenLastCalledWith('/seller/c/b');
  });

  it('puts the cursor into the answer with R and takes it out with Escape', async () => {
    const { press } = await open('a');
    await press('KeyR');
    expect(document.activeElement).toBe(field());
    await press('Escape');
    expect(document.activeElement).toBe(document.body);
  });

  it('leaves letters typed into the answer alone, but goes on with Alt', async () => {
    const { press, console, setInquiry } = await open('a');
    field().focus();
    await press('KeyE');
    expect(setInquiry).not.toHaveBeenCalled();
    await press('KeyJ', { altKey: true });
    expect(console.router.go).toHaveBeenLastCalledWith('/seller/c/b');
  });

  it('does nothing on single letters once they are turned off', async () => {
    prefs.letters = false;
    const { press, setInquiry } = await open('a');
    await press('KeyE');
    expect(setInquiry).not.toHaveBeenCalled();
  });

  it('lists the keys, and keeps them to itself while the list is open', async () => {
    const { press, setInquiry } = await open('a');
    await press('Slash', { shiftKey: true });
    expect(screen.getByRole('dialog', { name: '단축키' })).toBeTruthy();
    await press('KeyE');
    expect(setInquiry).not.toHaveBeenCalled();
  });
});

describe('the state of a room', () => {
  it('changes with E and comes back with 실행 취소', async () => {
    const { press, setInquiry, user } = await open('a');
    await press('KeyE');
    expect(setInquiry).toHaveBeenLastCalledWith('a', 'inquiry-a', { state: 'done' });
    await user.click(screen.getByRole('button', { name: '실행 취소' }));
    await waitFor(() =>
      expect(setInquiry).toHaveBeenLastCalledWith('a', 'inquiry-a', { state: 'waiting' }),
    );
  });

  it('changes with Shift+E and goes on to the next', async () => {
    const { press, setInquiry, console } = await open('a');
    await press('KeyE', { shiftKey: true });
    expect(setInquiry).toHaveBeenLastCalledWith('a', 'inquiry-a', { state: 'done' });
    expect(console.router.go).toHaveBeenLastCalledWith('/seller/c/b');
  });

  it('has a button for each', async () => {
    const { setInquiry, user } = await open('a');
    await user.click(screen.getByRole('button', { name: '보류' }));
    expect(setInquiry).toHaveBeenLastCalledWith('a', 'inquiry-a', { state: 'held' });
    await user.selectOptions(screen.getByLabelText('상태 바꾸기'), '완료');
    expect(setInquiry).toHaveBeenLastCalledWith('a', 'inquiry-a', { state: 'done' });
  });

  it('says what failed, and tries again', async () => {
    const { press, setInquiry, user } = await open('a');
    setInquiry.mockRejectedValueOnce({ code: 'network' });
    await press('KeyS');
    await screen.findByText(/상태를 바꾸지 못했습니다/);
    await user.click(screen.getByRole('button', { name: '다시 시도' }));
    expect(setInquiry).toHaveBeenCalledTimes(2);
  });
});

describe('answering', () => {
  it('sends with Ctrl+Enter and opens who waits longest', async () => {
    const { openRoom, console, user } = await open('a');
    await user.type(field(), '내일 출고됩니다');
    await user.keyboard('{Control>}{Enter}{/Control}');
    expect(openRoom.calls).toContain('send 내일 출고됩니다');
    expect(console.router.go).toHaveBeenLastCalledWith('/seller/c/b');
  });

  it('has a button for it, which sends nothing while nothing is written', async () => {
    const { openRoom, console, user } = await open('a');
    const button = screen.getByRole('button', { name: '보내고 다음' });
    await user.click(button);
    expect(document.activeElement).toBe(field());
    await user.type(field(), '네');
    await user.click(button);
    expect(openRoom.calls.filter((call) => call.startsWith('send'))).toEqual(['send 네']);
    expect(field().value).toBe('');
    expect(console.router.go).toHaveBeenLastCalledWith('/seller/c/b');
  });

  it('says which message it has seen, so that a colleague’s later answer is noticed', async () => {
    const { openRoom, user } = await open('a');
    openRoom.change({ messages: [message(3), message(4)] });
    const send = vi.spyOn(openRoom, 'send');
    await user.type(field(), '네{Enter}');
    expect(send).toHaveBeenLastCalledWith('네', { expectSeq: 4 });
  });

  it('shows which colleague is typing, and not oneself', async () => {
    const { openRoom } = await open('a');
    const typing = [
      { party: 'shop', memberId: 'm1', name: '박달님' },
      { party: 'shop', memberId: 'm2', name: '최지민' },
    ] as const;
    openRoom.change({ room: room('a', { typing }) });
    await screen.findByText(/^최지민님이 입력 중/);
  });

  it('says when nobody waits any more', async () => {
    const { inbox, user } = await open('a');
    inbox.set(inboxOf(room('a')));
    await user.type(field(), '네');
    await user.keyboard('{Control>}{Enter}{/Control}');
    expect(screen.getByText('기다리는 문의가 더 없습니다')).toBeTruthy();
  });
});
