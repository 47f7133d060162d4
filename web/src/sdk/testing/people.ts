import { createChat } from '../chat';
import type { Chat, Options } from '../types';
import { FakeClock } from './clock';
import { fakeEnv, type EnvOptions, type FakeEnv } from './env';
import { FakeServer, type FakeMember } from './world';

export const moonShop = { id: 'moon', name: '달빛상점' };
export const buyer: FakeMember = { id: 'b1', name: '하늘' };
export const agent: FakeMember = { id: 'a1', name: '지민', shop: moonShop };
export const colleague: FakeMember = { id: 'a2', name: '서연', shop: moonShop };

export interface Tab {
  chat: Chat;
  env: FakeEnv;
}

/** A mall with one room, r1, of the buyer and the moon shop. */
export function mall() {
  const clock = new FakeClock();
  const server = new FakeServer(clock);
  server.addRoom('r1', buyer, moonShop);

  function tab(member: FakeMember, options: Partial<Options> & EnvOptions = {}): Tab {
    const { profile, seed, storage, blocked, memory, ...rest } = options;
    const env = fakeEnv(server, member, {
      ...(profile && { profile }),
      ...(seed !== undefined && { seed }),
      ...(storage && { storage }),
      ...(blocked && { blocked }),
      ...(memory && { memory }),
    });
    const { id, name } = member;
    const chat = createChat(
      { member: { id, name }, ...(member.shop && { shopId: member.shop.id }), ...rest },
      env,
    );
    return { chat, env };
  }

  /** A tab that is live. */
  async function live(member: FakeMember, options: Partial<Options> & EnvOptions = {}) {
    const opened = tab(member, options);
    opened.chat.connect();
    await clock.advance(500);
    return opened;
  }

  return { clock, server, tab, live };
}
