import { render, screen, within } from '@testing-library/svelte';
import { tick } from 'svelte';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ChatError, type Limits, type OpenRoomState, type Status } from '../../../sdk';
import type { Drafts } from './drafts';
import Pane from './Pane.svelte';
import {
  room,
  fakeOpenRoom,
  message,
  settable,
  type FakeOpenRoom,
} from '../../../sdk/testing/fakes';

const noon = Date.parse('2026-11-22T12:00:00+09:00');
const live: Status = { phase: 'live', attempt: 0, online: true, resumed: false, leader: true };

let drafts: Drafts & { saved: Map<string, string> };

beforeEach(() => {
  const saved = new Map<string, string>();
  drafts = {
    saved,
    load: async (id) => saved.get(id) ?? '',
    save: async (id, text) => void saved.set(id, text),
  };
});

function open(state: Partial<OpenRoomState> = {}, side: 'buyer' | 'shop' = 'buyer') {
  const openRoom = fakeOpenRoom(state, side);
  const status = settable(live);
  const limits = settable<Limits>({ bodyCodePoints: 2000, bodyLines: 100 });
  const chat = { status, limits, connect: vi.fn(), block: vi.fn(async () => undefined) };
  render(Pane, { openRoom, chat, side, drafts, cards: { href: (card) => `/p/${card.id}` } });
  return { openRoom, status, chat };
}

const field = () => screen.getByRole<HTMLTextAreaElement>('textbox', { name: '메시지' });
const log = () => screen.getByRole('log');
const items = () => within(log()).getAllByRole('listitem');

function type(text: string): void {
  field().value = text;
  field().dispatchEvent(new InputEvent('input', { bubbles: true }));
}

function press(init: KeyboardEventInit & { keyCode?: number } = {}): KeyboardEvent {
  const event = new KeyboardEvent('keydown', {
    code: 'Enter',
    key: 'Enter',
    bubbles: true,
    cancelable: true,
    ...init,
  });
  if (init.keyCode !== undefined) Object.defineProperty(event, 'keyCode', { value: init.keyCode });
  field().dispatchEvent(event);
  return event;
}

const release = () =>
  field().dispatchEvent(new KeyboardEvent('keyup', { code: 'Enter', key: 'Enter', bubbles: true }));

function compose(kind: 'start' | 'update' | 'end', data = ''): void {
  field().dispatchEvent(new CompositionEvent(`composition${kind}`, { data, bubbles: true }));
}

const sent = (openRoom: FakeOpenRoom) => openRoom.calls.filter((c) => c.startsWith('send '));

describe('the composer', () => {
  test('Enter sends and empties the field', async () => {
    const { openRoom } = open();
    type('안녕하세요');
    expect(press().defaultPrevented).toBe(true);
    expect(sent(openRoom)).toEqual(['send 안녕하세요']);
    expect(field().value).toBe('');
  });

  test('one Enter inside a Hangul syllable sends the whole text once', async () => {
    const { openRoom } = open();
    type('안녕하세');
    compose('start');
    compose('update', '요');
    type('안녕하세요');
    press({ isComposing: true, keyCode: 229 });
    compose('end', '요');
    expect(field().value).toBe('안녕하세요');
    expect(press().defaultPrevented).toBe(true);
    release();
    await expect.poll(() => sent(openRoom)).toEqual(['send 안녕하세요']);
    expect(field().value).toBe('');
  });

  test('Shift+Enter does not send, and blanks are nothing to send', () => {
    const { openRoom } = open();
    type('첫 줄');
    expect(press({ shiftKey: true }).defaultPrevented).toBe(false);
    type('  \n ');
    press();
    expect(sent(openRoom)).toEqual([]);
  });

  test('on a touch screen Enter breaks the line and the button sends', () => {
    const coarse = vi
      .spyOn(window, 'matchMedia')
      .mockImplementation((q) => ({ matches: q.includes('coarse') }) as MediaQueryList);
    const { openRoom } = open();
    type('네');
    expect(press().defaultPrevented).toBe(false);
    expect(sent(openRoom)).toEqual([]);
    screen.getByRole('button', { name: '보내기' }).click();
    expect(sent(openRoom)).toEqual(['send 네']);
    coarse.mockRestore();
  });

  test('what cannot be sent stays, with the reason', async () => {
    const { openRoom } = open();
    openRoom.send = () => {
      throw new ChatError('too_long', '');
    };
    type('길다');
    press();
    await tick();
    expect(screen.getByRole('alert').textContent).toContain('2,000자까지');
    expect(field().value).toBe('길다');
  });

  test('counts down near the limit, in code points', async () => {
    open();
    type('😀'.repeat(1799));
    await tick();
    expect(screen.queryByText(/자 남음/)).toBeNull();
    type('😀'.repeat(1800));
    await tick();
    expect(screen.getByText('200자 남음')).toBeTruthy();
    type('가'.repeat(2003));
    await tick();
    expect(screen.getByText('3자 초과')).toBeTruthy();
  });

  test('a draft comes back, and is gone once sent', async () => {
    drafts.saved.set('room', '쓰던 글');
    open();
    await expect.poll(() => field().value).toBe('쓰던 글');
    press();
    expect(drafts.saved.get('room')).toBe('');
  });

  test('warns of a phone number without blocking', async () => {
    const { openRoom } = open();
    type('010-1234-5678');
    await tick();
    expect(screen.getByText(/몰 밖의 거래/)).toBeTruthy();
    press();
    expect(sent(openRoom)).toHaveLength(1);
  });

  test('tells the other side about typing, and about its end', () => {
    const { openRoom } = open();
    type('네');
    type('');
    expect(openRoom.calls).toEqual(['typing true', 'typing false']);
  });
});

describe('messages', () => {
  const own = (
    seq: number | undefined,
    state: 'queued' | 'sending' | 'sent' | 'delivered' | 'read' | 'failed',
  ) => message(seq, { key: `k${state}`, mine: true, party: 'buyer', body: state, state, at: noon });

  test.each([
    ['sent', '안 읽음'],
    ['delivered', '안 읽음'],
    ['read', '읽음'],
  ] as const)('own message, %s', (state, words) => {
    open({ messages: [own(1, state)] });
    const item = items().at(-1)!;
    expect(within(item).getByText(words)).toBeTruthy();
    expect(within(item).getByText('오후 12:00')).toBeTruthy();
    expect(item.querySelector('.one')?.classList.contains('gone')).toBe(state === 'read');
  });

  test('queued and sending say so, without a time', () => {
    open({ messages: [own(undefined, 'sending'), own(undefined, 'queued')] });
    const [sending, queued] = items().slice(-2);
    expect(within(sending!).getByText('전송 중')).toBeTruthy();
    expect(within(queued!).getByText('전송 대기')).toBeTruthy();
    expect(within(queued!).getByText('연결되면 전송')).toBeTruthy();
    expect(log().querySelectorAll('li time')).toHaveLength(1);
  });

  test('a failed one says why and offers two ways out', () => {
    const failed = {
      ...own(undefined, 'failed'),
      clientMsgId: 'c1',
      error: new ChatError('blocked', ''),
    };
    const { openRoom } = open({ messages: [failed] });
    expect(screen.getByRole('alert').textContent).toContain('전송 실패');
    expect(screen.getByRole('alert').textContent).toContain('보낼 수 없습니다');
    screen.getByRole('button', { name: '다시 보내기' }).click();
    screen.getByRole('button', { name: '삭제' }).click();
    expect(openRoom.calls.filter((c) => c.includes('c1'))).toEqual(['retry c1', 'discard c1']);
  });

  test('the name once, the time once in a group', () => {
    open({
      messages: [
        message(1, { body: '네', at: noon }),
        message(2, { body: '있습니다', at: noon + 1000 }),
      ],
    });
    const [first, second] = items().slice(-2);
    expect(within(first!).getByText('달빛상점').classList.contains('name')).toBe(true);
    expect(within(second!).getByText('달빛상점').classList.contains('sr-only')).toBe(true);
    expect(first!.querySelector('time')).toBeNull();
    expect(second!.querySelector('time')).toBeTruthy();
  });

  test('the divider stands before the first unread, and stays', async () => {
    const { openRoom } = open({
      messages: [message(1, { at: noon }), message(2, { at: noon })],
      firstUnreadSeq: 2,
    });
    const texts = () => items().map((li) => li.textContent?.trim() ?? '');
    expect(texts()[2]).toBe('여기까지 읽었습니다');
    openRoom.change({
      room: room({
        cursors: { buyer: { deliveredSeq: 2, readSeq: 2 }, shop: { deliveredSeq: 0, readSeq: 0 } },
      }),
    });
    await tick();
    expect(texts()[2]).toBe('여기까지 읽었습니다');
  });

  test('markup in a message is text', () => {
    open({ messages: [message(1, { body: '<img src=x onerror=alert(1)> https://a.kr' })] });
    expect(log().querySelector('img')).toBeNull();
    const link = within(log()).getByRole('link');
    expect(link.getAttribute('href')).toBe('https://a.kr/');
    expect(link.getAttribute('rel')).toBe('noopener noreferrer nofollow ugc');
  });

  test('a notice is told in words', () => {
    open({ messages: [message(1, { kind: 'notice', party: 'system', body: 'order_shipped' })] });
    expect(within(log()).getByText('배송이 시작되었습니다')).toBeTruthy();
  });

  test('the staff see who of them wrote', () => {
    open(
      {
        messages: [
          message(1, { party: 'buyer', name: '지민', at: noon }),
          { ...message(2, { mine: true, name: '수아', at: noon }), byMe: false },
        ],
      },
      'shop',
    );
    const [buyer, colleague] = items().slice(-2);
    expect(within(buyer!).getByText('지민').classList.contains('sr-only')).toBe(true);
    expect(within(colleague!).getByText('수아').classList.contains('name')).toBe(true);
  });

  test('new messages are announced, history is not', async () => {
    const { openRoom } = open({ messages: [message(1, { body: '옛글' })] });
    const said = () =>
      screen
        .getAllByRole('status')
        .map((s) => s.textContent)
        .join('');
    expect(said()).not.toContain('옛글');
    openRoom.change({ messages: [message(1, { body: '옛글' }), message(2, { body: '새 글' })] });
    await tick();
    expect(said()).toContain('달빛상점: 새 글');
  });
});

describe('the pane', () => {
  test('an empty room offers questions that fill the field and do not send', async () => {
    const { openRoom } = open();
    screen.getByRole('button', { name: '재고 있나요?' }).click();
    expect(field().value).toBe('재고 있나요?');
    expect(sent(openRoom)).toEqual([]);
  });

  test('what could not be loaded can be tried again', () => {
    const { openRoom } = open({ room: undefined, error: new ChatError('unavailable', '') });
    expect(screen.getByRole('alert').textContent).toContain('대화를 불러오지 못했습니다.');
    screen.getByRole('button', { name: '다시 시도' }).click();
    expect(openRoom.calls).toEqual(['reload']);
  });

  test('what does not exist is final', () => {
    open({ room: undefined, error: new ChatError('not_found', '') });
    expect(screen.queryByRole('button', { name: '다시 시도' })).toBeNull();
  });

  test('says that it is offline', async () => {
    const { status } = open();
    status.set({ ...live, phase: 'waiting', online: false, downSince: Date.now() });
    await tick();
    expect(screen.getByTestId('connection').textContent).toContain('오프라인입니다');
    status.set(live);
    await tick();
    expect(screen.getByTestId('connection').textContent).toContain('연결됨');
  });

  test('shows who types after a moment', async () => {
    const { openRoom } = open();
    openRoom.change({
      room: room({ typing: [{ party: 'shop', memberId: 's', name: '수아' }] }),
    });
    await tick();
    expect(screen.queryByText(/입력 중/)).toBeNull();
    expect(await screen.findByText('달빛상점에서 입력 중')).toBeTruthy();
  });
});
