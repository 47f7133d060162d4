// The client's core: takes every frame to where it belongs, and makes everything complete again after a lost link.
import { defaultLimits } from './body';
import { browserEnv } from './browser';
import { createConnection, type Link, type LinkEvents } from './connection';
import { createCursorReports } from './cursors';
import type { Env } from './env';
import { createInbox, type LiveInbox } from './inbox';
import { storedMessage, toCursors } from './mapping';
import { createOutbox } from './outbox';
import { memoryStorage, type OutboxEntry } from './outbox-storage';
import {
  resumeRooms,
  type AckFrame,
  type ErrorFrame,
  type Heads,
  type ServerFrame,
  type WelcomeFrame,
} from './protocol';
import { createRest } from './rest';
import { createResumes } from './resumes';
import type { TrackedRoom } from './tracked-room';
import { createRooms } from './rooms';
import { emitter, writable } from './store';
import { createSummary } from './summary';
import { createSharedLink } from './tabs';
import { createOpenRoom, type LiveRoom } from './open-room';
import {
  ChatError,
  type Chat,
  type Events,
  type InboxFilter,
  type Limits,
  type Options,
  type Side,
} from './types';

/** Closed panes whose messages stay in memory, so that coming back to one shows it at once. */
const keptTimelines = 20;

/** Starts nothing yet: call connect. */
export function createChat(options: Options, env: Env = browserEnv()): Chat {
  const { member, shopId, api = '/api/v1' } = options;
  const side: Side = shopId === undefined ? 'buyer' : 'shop';
  const viewer = { memberId: member.id, side };
  const { clock } = env;
  const events = emitter<Events>();
  const limits = writable<Limits>(defaultLimits);
  const openRooms = new Set<LiveRoom>();
  const inboxes = new Set<LiveInbox>();
  /** Rooms whose last pane was closed, the latest last. */
  let resting: TrackedRoom[] = [];
  let epoch: string | undefined;
  /** The server's clock minus ours. */
  let skewMs = 0;

  const now = () => clock.now() + skewMs;
  const failed = (error: ChatError) => {
    if (error.code !== 'destroyed') events.emit('error', error);
  };

  const rest = createRest(env, api, member.id, (seen) => {
    if (epoch !== undefined && seen !== epoch) renumbered(seen);
    epoch = seen;
  });
  const counts = createSummary(clock, rest, shopId);
  const link = connect();
  const { send } = link;
  const resumes = createResumes(clock, send);
  const reports = createCursorReports(clock, send);

  const outbox = createOutbox({
    env: options.outbox === 'memory' ? { ...env, openStorage: async () => memoryStorage() } : env,
    owner: `${member.id}/${shopId ?? 'buyer'}`,
    now,
    send,
    changed: (roomId) => touchRooms(roomId),
    acked,
    failed,
  });

  const rooms = createRooms({
    env,
    clock,
    rest,
    viewer,
    shopId,
    async resume(roomId, position) {
      if (epoch !== undefined) await resumes.ask({ [roomId]: position }, epoch);
    },
    changed(room, before) {
      const state = room.state!;
      counts.changed(before, state);
      if (state.unread > 0 && state.cursors[side].deliveredSeq < state.head) {
        reports.delivered(room.id, state.head);
      }
      touchRooms(room.id);
      for (const inbox of inboxes) inbox.touch();
    },
    timeline: (room) => touchRooms(room.id),
    applied(message) {
      if (message.byMe && message.clientMsgId) outbox.settle(message.clientMsgId);
    },
    received(room, message) {
      events.emit('message', { message, room: room.state! });
    },
    isOpen: (roomId) => [...openRooms].some((o) => o.room.id === roomId),
    confirmed: reports.confirmed,
    startOver() {
      for (const inbox of inboxes) inbox.reload();
    },
    failed,
  });

  function connect(): Link {
    const heard: LinkEvents = { frame, down, session };
    const own = (to: LinkEvents) => createConnection(env, api, member.id, to);
    const { lock, channel } = env;
    if (options.tabs === 'own' || !lock || !channel) return own(heard);
    return createSharedLink({
      env: { ...env, lock, channel },
      member,
      side,
      events: heard,
      connect: own,
    });
  }

  async function session() {
    try {
      const me = await rest.me();
      return me.member.id === member.id ? 'valid' : 'lost';
    } catch (e) {
      return (e as ChatError).status === 401 ? 'lost' : 'unknown';
    }
  }

  function frame(f: ServerFrame): void {
    switch (f.type) {
      case 'welcome':
        return welcome(f);
      case 'message':
        rooms.get(f.room_id)?.receive(f);
        // What a block means for the room is in its summary only.
        if (f.kind === 'notice' && f.body.endsWith('blocked')) rooms.refresh(f.room_id);
        return rooms.notice(f.room_id);
      case 'room':
        return void rooms.adopt(f.room);
      case 'ack':
        return outbox.ack(f);
      case 'receipt':
        if (f.party === side) {
          reports.confirmed(f.room_id, toCursors(f));
          counts.verify();
        }
        return rooms.get(f.room_id)?.receipt(f);
      case 'typing':
        return rooms.get(f.room_id)?.typing(f);
      case 'presence':
        if (f.party !== side) {
          rooms
            .get(f.room_id)
            ?.presence(f.online, f.last_seen ? Date.parse(f.last_seen) : undefined);
        }
        return;
      case 'hb':
        setClock(f.time);
        return expect(f.heads);
      case 'resumed':
        expect(f.heads);
        rooms.lost(f.missing ?? []);
        return void resumes.answered(f.id, true);
      case 'too_far':
        // The resumed of the same request is still to come.
        return rooms.get(f.room_id)?.timeline?.verify();
      case 'reset':
        renumbered(f.epoch);
        rooms.lost(f.missing ?? []);
        return void resumes.answered(f.id, true);
      case 'error':
        // Where nobody waits for an answer any more, its question was settled in another way.
        if (f.id === undefined) failed(refusal(f));
        else if (!outbox.refused(f)) resumes.answered(f.id, false);
        return;
      case 'ok':
      case 'pong':
    }
  }

  function welcome(f: WelcomeFrame) {
    setClock(f.time);
    limits.set({
      bodyCodePoints: f.limits.body_code_points ?? defaultLimits.bodyCodePoints,
      bodyLines: f.limits.body_lines ?? defaultLimits.bodyLines,
    });
    if (epoch !== undefined && f.epoch !== epoch) renumbered(f.epoch);
    epoch = f.epoch;
    rest.nudge();
    outbox.live();
    reports.live();
    resumeAll();
    rooms.newLife();
    for (const open of openRooms) open.retry();
    for (const inbox of inboxes) inbox.retry();
    counts.refresh();
  }

  function down() {
    resumes.down();
    outbox.down();
    // Whether the others are there is told anew when we are back.
    for (const room of rooms.all()) room.presence(undefined);
  }

  function setClock(time: string) {
    skewMs = Date.parse(time) - clock.now();
  }

  function expect(heads: Heads = {}) {
    for (const roomId in heads) {
      rooms.get(roomId)?.expect(heads[roomId]!);
      rooms.notice(roomId);
    }
  }

  /** Asks for what the open rooms missed. */
  function resumeAll() {
    const open = [...rooms.all()].filter((room) => room.timeline?.loaded);
    for (let at = 0; at < open.length; at += resumeRooms) {
      void resume(open.slice(at, at + resumeRooms));
    }
  }

  async function resume(open: TrackedRoom[]) {
    const heads: Heads = {};
    for (const room of open) heads[room.id] = room.timeline?.position() ?? 0;
    const whole = await resumes.ask(heads, epoch ?? '');
    if (whole || link.status.get().phase !== 'live') return;
    for (const room of open) room.timeline?.verify();
  }

  function renumbered(seen: string) {
    epoch = seen;
    reports.reset();
    rooms.reset();
    for (const room of rooms.all()) void room.timeline?.reset();
    counts.refresh();
    events.emit('reset', { epoch: seen });
  }

  /** Our message is stored: its ack stands for the message, which the server does not send back to us. */
  function acked(entry: OutboxEntry, ack: AckFrame): boolean {
    const room = rooms.of(entry.roomId);
    const { timeline } = room;
    const inquiryId = entry.inquiryId ?? room.state?.inquiry.id;
    if (entry.card) {
      // What a card shows is the server's to say: read like any other message that is missing.
      room.expect(ack.seq);
      timeline?.verify();
    } else {
      room.receive(storedMessage({ body: entry.text, inquiry_id: inquiryId }, ack, side, member));
    }
    return !timeline || (timeline.position() ?? -1) >= ack.seq;
  }

  function touchRooms(roomId: string) {
    for (const open of openRooms) if (open.room.id === roomId) open.touch();
  }

  function openRoom(roomId: string): LiveRoom['face'] {
    const room = rooms.of(roomId);
    rooms.freshen(roomId);
    resting = resting.filter((r) => r !== room);
    const open = createOpenRoom(room, {
      env,
      viewer,
      member,
      rest,
      outbox,
      limits: limits.get,
      send,
      read: reports.read,
      known,
      closed,
    });
    openRooms.add(open);
    return open.face;
  }

  async function known(room: TrackedRoom) {
    if (room.state) return;
    const wire = await rest.insist(() => rest.room(room.id));
    if (!rooms.adopt(wire)) throw new ChatError('not_found', 'not a room of this side');
  }

  function closed(open: LiveRoom) {
    openRooms.delete(open);
    if ([...openRooms].some((o) => o.room === open.room)) return;
    resting.push(open.room);
    if (resting.length > keptTimelines) resting.shift()!.forget();
  }

  function inbox(filter: InboxFilter = {}) {
    const opened = createInbox(filter, {
      rest,
      shopId,
      known: rooms.states,
      merge: (wires) => wires.forEach((wire) => rooms.adopt(wire)),
      closed: (it) => inboxes.delete(it),
    });
    inboxes.add(opened);
    return opened.face;
  }

  function destroy() {
    rest.abort();
    outbox.destroy();
    reports.destroy();
    link.stop();
  }

  options.signal?.addEventListener('abort', destroy, { once: true });

  return {
    member,
    side,
    status: link.status,
    summary: counts.store,
    limits,
    now,
    connect: link.start,
    disconnect: link.stop,
    destroy,
    on: events.on,
    inbox,
    room: openRoom,
    async open({ shopId: at, productId, orderId }) {
      const wire = await rest.open({
        shop_id: at,
        ...(productId && { product_id: productId }),
        ...(orderId && { order_id: orderId }),
      });
      rooms.adopt(wire);
      return openRoom(wire.id);
    },
    async setInquiry(roomId, inquiryId, change) {
      const undo = rooms.of(roomId).preview(inquiryId, change, nameOf(change.ownerId));
      try {
        const body = { state: change.state, owner_id: change.ownerId };
        rooms.adopt(await rest.changeInquiry(roomId, inquiryId, body));
      } catch (e) {
        undo();
        throw e;
      }
      return rooms.of(roomId).state!;
    },
    async block(roomId, on) {
      rooms.adopt(await rest.block(roomId, on));
    },
    async report(roomId, { id: report_id, reason, text, seq }) {
      await rest.report(roomId, { report_id, reason, ...(text && { text }), ...(seq && { seq }) });
    },
  };

  function nameOf(memberId: string | undefined) {
    return memberId === member.id ? member.name : undefined;
  }
}

const refusal = (f: ErrorFrame) =>
  new ChatError(f.code, f.message, { retryable: f.retryable, retryAfterMs: f.retry_after_ms });
