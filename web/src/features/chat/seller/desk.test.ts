import { describe, expect, it, vi } from 'vitest';
import { room, fakeChat, inboxOf } from '../../../kit/seller/testing/fakeChat';
import { Desk } from './desk.svelte';

function news() {
  return { changed: vi.fn(), undone: vi.fn(), failed: vi.fn() };
}

function sitDown() {
  const fake = fakeChat();
  fake.setInquiry.mockImplementation((id) => Promise.resolve(room(id)));
  return { ...fake, desk: new Desk(fake.chat, 'waiting') };
}

describe('Desk', () => {
  it('changes a state and takes it back on demand', async () => {
    const { desk, setInquiry } = sitDown();
    const heard = news();
    await desk.setState(room('a'), 'done', heard);
    expect(setInquiry).toHaveBeenLastCalledWith('a', 'inquiry-a', { state: 'done' });
    const [to, undo] = heard.changed.mock.calls[0] as ['done', () => void];
    expect(to).toBe('done');
    undo();
    await vi.waitFor(() => expect(heard.undone).toHaveBeenCalledOnce());
    expect(setInquiry).toHaveBeenLastCalledWith('a', 'inquiry-a', { state: 'waiting' });
  });

  it('says at once that it changed, before the server has answered', () => {
    const { desk, setInquiry } = sitDown();
    setInquiry.mockReturnValue(new Promise(() => undefined));
    const heard = news();
    void desk.setState(room('a'), 'held', heard);
    expect(heard.changed).toHaveBeenCalledOnce();
  });

  it('says what failed, and tries again on demand', async () => {
    const { desk, setInquiry } = sitDown();
    setInquiry.mockRejectedValueOnce(new Error('no'));
    const heard = news();
    await desk.setState(room('a'), 'done', heard);
    const [, retry] = heard.failed.mock.calls[0] as [unknown, () => void];
    retry();
    await vi.waitFor(() => expect(setInquiry).toHaveBeenCalledTimes(2));
  });

  it('leaves a failed change alone when it is undone', async () => {
    const { desk, setInquiry } = sitDown();
    setInquiry.mockRejectedValue(new Error('no'));
    const heard = news();
    await desk.setState(room('a'), 'done', heard);
    (heard.changed.mock.calls[0] as [string, () => void])[1]();
    await Promise.resolve();
    expect(setInquiry).toHaveBeenCalledOnce();
  });

  it('does nothing for the state it has', async () => {
    const { desk, setInquiry } = sitDown();
    await desk.setState(room('a'), 'waiting', news());
    expect(setInquiry).not.toHaveBeenCalled();
  });

  it('knows who waits longest besides the open room', () => {
    const { desk, inbox } = sitDown();
    inbox.set(inboxOf(room('a'), room('b')));
    expect(desk.longestWaiting('a')?.id).toBe('b');
    inbox.set(inboxOf(room('a')));
    expect(desk.longestWaiting('a')).toBeUndefined();
  });

  it('keeps a tab open behind another', () => {
    const { desk } = sitDown();
    const waiting = desk.list;
    desk.show('done');
    expect(desk.list).not.toBe(waiting);
    desk.show('waiting');
    expect(desk.list).toBe(waiting);
  });
});
