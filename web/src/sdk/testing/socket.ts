import type { TransportEvents } from '../env';
import type { ClientFrame, Heads, SendFrame, ServerFrame } from '../protocol';
import type { FakeMember, FakeServer } from './world';

export type LinkEnd = Pick<TransportEvents, 'frame' | 'close'>;

/** The server's end of one link: a socket, or an event stream, on which it hears nothing. */
export class FakeSocket {
  open = true;
  readonly heard: ClientFrame[] = [];
  readonly member: FakeMember;
  private readonly server: FakeServer;
  private readonly events: LinkEnd;
  private sentHeads: Heads = {};
  private cancelBeat: () => void = () => {};

  constructor(server: FakeServer, member: FakeMember, events: LinkEnd) {
    this.server = server;
    this.member = member;
    this.events = events;
  }

  start() {
    const { server, member } = this;
    server.sockets.add(this);
    for (const room of this.mine()) this.sentHeads[room.wire.id] = room.wire.head;
    const beat = () => {
      this.cancelBeat = server.clock.after(server.heartbeatMs, () => {
        this.heartbeat();
        beat();
      });
    };
    beat();
    this.push({
      type: 'welcome',
      session_id: 's',
      epoch: server.epoch,
      member: { id: member.id, name: member.name },
      shops: member.shop ? [member.shop] : [],
      expires_at: new Date(Date.parse(server.time()) + 600_000).toISOString(),
      heartbeat_ms: server.heartbeatMs,
      limits: { body_code_points: 2000, body_lines: 100 },
      time: server.time(),
    });
  }

  private mine() {
    return [...this.server.rooms.values()].filter((r) => this.server.sideOf(this.member, r));
  }

  heartbeat() {
    const heads: Heads = {};
    for (const { wire } of this.mine()) {
      if (this.sentHeads[wire.id] !== wire.head) heads[wire.id] = wire.head;
      this.sentHeads[wire.id] = wire.head;
    }
    this.push({ type: 'hb', time: this.server.time(), heads });
  }

  push(frame: ServerFrame) {
    if (this.open) this.events.frame(JSON.stringify(frame));
  }

  /** Ends the link from the server's side or by a fault between. */
  drop(code = 1006, reason = '') {
    if (!this.open) return;
    this.freeze();
    this.events.close(code, reason);
  }

  /** The link is dead and nobody says so. */
  freeze() {
    this.open = false;
    this.server.sockets.delete(this);
    this.cancelBeat();
  }

  receive(frame: ClientFrame) {
    if (!this.open) return;
    this.heard.push(frame);
    switch (frame.type) {
      case 'ping':
        return this.push({ type: 'pong', id: frame.id });
      case 'send':
        return this.send(frame);
      case 'resume':
        return this.resume(frame);
      case 'read':
      case 'delivered': {
        const room = this.server.rooms.get(frame.room_id)!;
        return this.server.moveCursor(
          room,
          this.server.sideOf(this.member, room)!,
          frame.type,
          Math.min(frame.seq, room.wire.head),
        );
      }
      case 'typing': {
        const room = this.server.rooms.get(frame.room_id)!;
        const party = this.server.sideOf(this.member, room)!;
        const { id, name } = this.member;
        const { room_id, on } = frame;
        this.server.broadcast(
          room,
          { type: 'typing', room_id, party, member_id: id, name, on },
          this,
        );
      }
    }
  }

  private send(frame: SendFrame) {
    const { id } = frame;
    const said = this.server.accept(this.member, frame, this);
    if (said === 'silence') return;
    if ('code' in said) this.push({ type: 'error', id, message: said.code, ...said });
    else this.push({ type: 'ack', id, ...said });
  }

  private resume(frame: ClientFrame & { type: 'resume' }) {
    const heads: Heads = {};
    if (frame.epoch !== this.server.epoch) {
      for (const { wire } of this.mine()) heads[wire.id] = wire.head;
      const missing = Object.keys(frame.rooms).filter((id) => !(id in heads));
      return this.push({ type: 'reset', id: frame.id, epoch: this.server.epoch, heads, missing });
    }
    const missing: string[] = [];
    for (const room_id in frame.rooms) {
      const room = this.server.rooms.get(room_id);
      if (!room) {
        missing.push(room_id);
        continue;
      }
      const head = room.wire.head;
      heads[room_id] = head;
      if (head - frame.rooms[room_id]! > 200) {
        this.push({ type: 'too_far', id: frame.id, room_id, head });
        continue;
      }
      for (const m of room.messages) {
        if (m.seq > frame.rooms[room_id]!) this.push({ type: 'message', ...m });
      }
    }
    this.push({ type: 'resumed', id: frame.id, heads, ...(missing.length > 0 && { missing }) });
  }
}
