package chat

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"mall/modules/chat/internal/hub"
	"mall/modules/chat/internal/socket"
	"mall/modules/chat/internal/sockets"
	"mall/modules/chat/internal/store"
	"mall/modules/chat/internal/stream"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// gapPatience is how long a message that came too soon may wait for the one before it, which is usually
// just behind; then the database is asked.
const gapPatience = 30 * time.Millisecond

// link is the connection under a session: a socket, or a stream of events.
type link interface {
	Send(frame []byte)
	SendAll(frames [][]byte)
	WaitForSpace(ctx context.Context) bool
	Ping()
	Close(code int, reason string)
	CloseGoing(spread time.Duration)
}

// session is one live connection of a member: what it has been sent, and what it asks for.
type session struct {
	chat    *Chat
	conn    link
	who     atomic.Pointer[identity.Principal] // replaced when the client brings a fresh token
	id      id.ID
	parties []hub.Party
	began   time.Time

	transport string         // "socket" or "events"
	place     *sockets.Place // among those that the member may have on all instances

	// Most connections are idle most of the time: what only a busy one needs is made when it is needed.
	frames   *rate.Limiter // only the reading goroutine asks it
	mistakes int
	typed    struct { // what was last told of the member's typing; only the reading goroutine asks it
		room id.ID
		on   bool
		at   time.Time
	}
	asides   atomic.Int32 // requests that wait for the database
	endMu    sync.Mutex   // guards the three below
	closed   bool
	ctx      context.Context // see context
	end      context.CancelFunc
	lastSend <-chan struct{} // closed when the last send that had to wait is on its way; only the reading goroutine asks it

	mu       sync.Mutex
	stream   *stream.Stream
	welcomed bool
	held     [][]byte // what came before the welcome was out
	changed  map[id.ID]int64
	nextBeat time.Time
	lastPing time.Time

	resuming   atomic.Bool
	repairing  sync.Mutex // one gap's page at a time
	filling    sync.Mutex // one page at a time is sent
	unanswered int        // sends under way
	leaving    bool
}

func (c *Chat) newSession(conn link, transport string, p *identity.Principal) *session {
	s := &session{chat: c, conn: conn, transport: transport, id: id.New(), stream: stream.New(), began: time.Now(), parties: []hub.Party{hub.Buyer(p.MemberID)}}
	for _, shop := range p.Shops {
		s.parties = append(s.parties, hub.Shop(shop.ShopID))
	}
	s.who.Store(p)
	s.lastSend = noSend
	return s
}

// context ends with the connection.
func (s *session) context() context.Context {
	s.endMu.Lock()
	defer s.endMu.Unlock()
	if s.ctx == nil {
		s.ctx, s.end = context.WithCancel(s.chat.lifetime)
		if s.closed {
			s.end()
		}
	}
	return s.ctx
}

// over says whether the connection has ended.
func (s *session) over() bool {
	s.endMu.Lock()
	defer s.endMu.Unlock()
	return s.closed || s.chat.lifetime.Err() != nil
}

func (s *session) finish() {
	s.endMu.Lock()
	defer s.endMu.Unlock()
	s.closed = true
	if s.end != nil {
		s.end()
	}
}

// begin joins the member's parties, has it found out where their rooms stand, and only then says welcome: all that is
// stored after the welcome so lies behind a known place, and is sent or, where its news is lost, found to be missing.
func (s *session) begin() {
	if !s.join() {
		return // closed
	}
	if !s.place.Given() { // it was asked for before, so that this has waited for nothing more
		s.conn.Close(socket.CloseTooMany, tooMany)
		return
	}
	s.welcome()
	s.recheckLogin()
}

// join is false when the parties could not be positioned in time, or the instance goes away: then the client is told.
func (s *session) join() bool {
	positions := make([]<-chan struct{}, len(s.parties))
	for i, p := range s.parties {
		positioned, ask := s.chat.relay.Join(s.chat.lifetime, p, s)
		if ask {
			s.chat.positions.ask(p, positioned)
		}
		positions[i] = positioned
		s.chat.online.Come(p)
	}
	limit := time.NewTimer(welcomePatience)
	defer limit.Stop()
	for _, positioned := range positions {
		select {
		case <-positioned:
		case <-limit.C:
			s.conn.Close(socket.CloseOverload, "the mall cannot reach its records; come back in a moment")
			return false
		case <-s.chat.leaving:
			s.conn.CloseGoing(drainSpread)
			return false
		}
	}
	return true
}

// recheckLogin finds a ban, a logout or a change of shops that came between the handshake's look at the login and now:
// its news went to the connections that were there, and this one was not yet. Members forget a login of which there is
// news, so that this costs no query but then.
func (s *session) recheckLogin() {
	ctx, cancel := context.WithTimeout(s.chat.lifetime, readPatience)
	defer cancel()
	login := s.who.Load().SessionID
	if now, err := s.chat.members.Check(ctx, []id.ID{login}); err == nil { // else the next check of all logins looks
		s.applyLogin(now[login])
	}
}

func (s *session) welcome() {
	c, who := s.chat, s.who.Load()
	f := welcomeFrame{Type: "welcome", SessionID: s.id, Epoch: c.epoch(), Member: named{who.MemberID, who.Name}, Shops: []named{},
		ExpiresAt: who.ExpiresAt.UTC(), HeartbeatMS: c.cfg.PingEvery.Milliseconds(), Time: time.Now().UTC(), Limits: c.limits()}
	for _, shop := range who.Shops {
		f.Shops = append(f.Shops, named{shop.ShopID, shop.Name})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn.Send(encodeFrame(f))
	s.conn.SendAll(s.held)
	s.welcomed, s.held = true, nil
	s.lastPing = time.Now()
	s.nextBeat = s.lastPing.Add(c.cfg.PingEvery)
}

func (c *Chat) limits() limits {
	return limits{BodyCodePoints: c.cfg.BodyCodePoints, BodyLines: c.cfg.BodyLines, FrameBytes: c.cfg.FrameBytes, Sockets: c.cfg.SocketsPerMember,
		ResumeRooms: c.cfg.ResumeRooms, SendsPerSecond: c.cfg.SendsPerSecond, SendsBurst: c.cfg.SendsBurst}
}

// emit queues frames in their order; the caller holds s.mu.
func (s *session) emit(frames ...[]byte) {
	switch {
	case s.welcomed:
		s.conn.SendAll(frames)
	case len(s.held)+len(frames) <= s.chat.cfg.QueueFrames:
		s.held = append(s.held, frames...)
	default: // as slow as a reader who does not take what is queued, and by our fault
		s.held = nil
		s.conn.Close(socket.CloseOverload, "too much has happened since; come back in a moment")
	}
}

// Message offers a room's message; it goes out when those before it have.
func (s *session) Message(room id.ID, seq int64, start hub.Start, frame []byte) {
	s.mu.Lock()
	s.beginRoom(room, start)
	gap := s.offer(room, seq, frame)
	s.mu.Unlock()
	gap()
}

// own counts a message that this connection has sent, of whose seq its ack tells. The room has begun: see follow.
func (s *session) own(room id.ID, seq int64) {
	s.mu.Lock()
	gap := s.offer(room, seq, nil)
	s.mu.Unlock()
	gap()
}

// offer gives what is to be done without the lock, which the caller holds.
func (s *session) offer(room id.ID, seq int64, frame []byte) (gap func()) {
	step := s.stream.Offer(room, seq, frame)
	s.emit(step.Frames...)
	if s.changed == nil {
		s.changed = map[id.ID]int64{}
	}
	s.changed[room] = max(s.changed[room], seq)
	if !step.Gap {
		return func() {}
	}
	if _, unknown := s.stream.Unknown(room); unknown {
		return func() { go s.closeGap(room) } // there is nothing to wait for
	}
	return func() { time.AfterFunc(gapPatience, func() { s.closeGap(room) }) }
}

// beginRoom lets the room's stream begin, if it has not. The caller holds s.mu.
func (s *session) beginRoom(room id.ID, start hub.Start) {
	if start.Known() {
		s.stream.Begin(room, start.After)
	} else {
		s.stream.BeginUntil(room, start.Until)
	}
}

// follow lets a room's stream begin before the connection's own message counts as one that has come: what others have
// stored in it since the welcome is owed, too, and may still be on its way.
func (s *session) follow(room id.ID, sides parties) {
	s.mu.Lock()
	follows := s.stream.Follows(room)
	s.mu.Unlock()
	if follows {
		return
	}
	for _, p := range sides.both() {
		if !slices.Contains(s.parties, p) {
			continue
		}
		if start, ok := s.chat.relay.Hub().Start(p, room); ok {
			s.mu.Lock()
			s.beginRoom(room, start)
			s.mu.Unlock()
		}
		return
	}
}

// Push sends a frame that has no number.
func (s *session) Push(frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emit(frame)
}

// Closed gives everything back.
func (s *session) Closed() {
	s.finish()
	for _, p := range s.parties {
		s.chat.relay.Leave(p, s)
		s.chat.online.Go(p)
	}
	s.chat.forget(s)
}

// Frame does what the client asks for. Only what needs the database for long leaves the reading goroutine.
func (s *session) Frame(text []byte) {
	if s.frames == nil {
		s.frames = rate.NewLimiter(rate.Limit(s.chat.cfg.FramesPerSecond), s.chat.cfg.FramesBurst)
	}
	if !s.frames.Allow() {
		s.conn.Close(socket.CloseFlood, "too many frames")
		return
	}
	r, err := decodeRequest(text)
	r.read = time.Now()
	if err != nil {
		s.misbehaved(r.ID, err)
		return
	}
	switch r.Type {
	case "send":
		s.sendInTurn(r)
	case "resume":
		go s.resume(r)
	case "delivered":
		s.mark(r, r.Seq, 0)
	case "read":
		s.mark(r, r.Seq, r.Seq)
	case "typing":
		if s.mayType(r) {
			s.aside(r, s.typing)
		}
	case "auth":
		s.aside(r, s.authenticate)
	case "ping":
		s.Push(encodeFrame(pongFrame{Type: "pong", ID: r.ID}))
	default:
		err = fault.Invalidf("type", "unknown_type", "This server does not know frames of that type.")
	}
	if err != nil {
		s.refuse(r.ID, err, 0)
	}
}

// maxMistakes is how many frames of a connection may make no sense; who sends more is no client of ours.
const maxMistakes = 100

func (s *session) misbehaved(requestID string, err error) {
	if s.mistakes++; s.mistakes > maxMistakes {
		s.conn.Close(socket.CloseAbuse, "too many malformed frames")
		return
	}
	s.refuse(requestID, err, 0)
}

// authenticate takes a fresh token of the same member, so that a connection outlives its first one.
func (s *session) authenticate(ctx context.Context, r request) {
	fresh, err := s.chat.members.Bearer(ctx, r.Token)
	switch {
	case fault.KindOf(err) == fault.Unavailable:
		s.refuse(r.ID, err, 0)
	case fault.KindOf(err) == fault.Forbidden:
		s.conn.Close(socket.CloseForbidden, "banned")
	case err != nil:
		s.conn.Close(socket.CloseToken, "the token is not good")
	case fresh.MemberID != s.who.Load().MemberID:
		s.conn.Close(socket.CloseForbidden, "the token is another member's")
	default:
		s.who.Store(fresh)
		s.Push(encodeFrame(okFrame{Type: "ok", ID: r.ID}))
	}
}

func (s *session) refuse(requestID string, err error, head int64) {
	switch fault.KindOf(err) {
	case fault.Internal:
		s.chat.log.Error("frame refused", "session", s.id, "error", err)
	case fault.Unavailable: // one for each send while the database is away: the pools' own errors tell of that
		s.chat.log.Debug("frame refused", "session", s.id, "error", err)
	}
	e := errorAnswer(requestID, err, head)
	s.Push(errorOf(&e))
}

// leave sends the client away as soon as what it has sent is answered, which the writer does in time.
func (s *session) leave() {
	s.mu.Lock()
	s.leaving = true
	idle := s.unanswered == 0
	s.mu.Unlock()
	if idle {
		s.conn.CloseGoing(drainSpread)
	}
}

// asked counts a send that is to be answered; false when no more are taken.
func (s *session) asked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.leaving {
		s.unanswered++
	}
	return !s.leaving
}

func (s *session) answered() {
	s.mu.Lock()
	s.unanswered--
	last := s.leaving && s.unanswered == 0
	s.mu.Unlock()
	if last {
		s.conn.CloseGoing(drainSpread)
	}
}

var errLeaving = fault.Retry(fault.Unavailable, "unavailable", "This instance is going away; send again elsewhere.", 100*time.Millisecond)

// asideLimit is how many requests of a connection may wait for the database at once; asideWait how long.
const (
	asideLimit = 32
	asideWait  = 600 * time.Millisecond
)

// aside does what may have to ask the database without holding up the reading of the next frame.
func (s *session) aside(r request, do func(ctx context.Context, r request)) (taken bool) {
	if s.asides.Add(1) > asideLimit {
		s.asides.Add(-1)
		s.refuse(r.ID, errTooMuch, 0)
		return false
	}
	go func() {
		defer s.asides.Add(-1)
		ctx, cancel := context.WithDeadline(s.context(), r.read.Add(asideWait))
		defer cancel()
		do(ctx, r)
	}()
	return true
}

var errTooMuch = fault.Retry(fault.Busy, "busy", "Too much of yours is under way; wait for the answers.", time.Second)

// mark says what the client has received and read.
func (s *session) mark(r request, delivered, read int64) {
	if s.chat.knowsSeatAt(s.who.Load(), r.RoomID, r.Seq) {
		s.noteMove(s.chat.lifetime, r, delivered, read)
		return
	}
	s.aside(r, func(ctx context.Context, r request) { s.noteMove(ctx, r, delivered, read) })
}

func (s *session) noteMove(ctx context.Context, r request, delivered, read int64) {
	who := s.who.Load()
	at, err := s.chat.seatAt(ctx, who, r.RoomID, r.Seq)
	if err != nil {
		s.refuse(r.ID, err, 0)
		return
	}
	s.chat.moves.note(at.move(who, delivered, read))
}

func (s *session) typing(ctx context.Context, r request) {
	if err := s.chat.typing(ctx, s.who.Load(), r.RoomID, r.On, s); err != nil {
		s.refuse(r.ID, err, 0)
	}
}

// noSend is what a connection begins with: nothing waits.
var noSend = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// sendInTurn lets no send overtake one that has to wait: for the database, or for Redis to say whether it may go. A send is
// under way as soon as it has been read: a drain that begins while it waits is not for it.
func (s *session) sendInTurn(r request) {
	if !s.asked() {
		s.refuse(r.ID, errLeaving, 0)
		return
	}
	select {
	case <-s.lastSend:
		if who := s.who.Load(); s.chat.knows(who, r) && s.chat.sends.Knows(who.MemberID, time.Now()) {
			s.send(s.chat.lifetime, r)
			return
		}
	default:
	}
	before, gone := s.lastSend, make(chan struct{})
	taken := s.aside(r, func(ctx context.Context, r request) {
		defer close(gone)
		select {
		case <-before:
		case <-ctx.Done():
		}
		s.send(ctx, r)
	})
	if !taken {
		s.answered()
		return
	}
	s.lastSend = gone
}

// knows says whether a send can be checked without asking the database.
func (c *Chat) knows(p *identity.Principal, r request) bool {
	return r.Card == nil && c.knowsSeat(p, r.RoomID)
}

// send answers a send that has been counted as asked.
func (s *session) send(ctx context.Context, r request) {
	d := Draft{Room: r.RoomID, ClientMsgID: r.ClientMsgID, Inquiry: r.InquiryID, Body: r.Body, Card: r.Card,
		ExpectSeq: r.ExpectSeq, Asked: r.read}
	s.chat.send(ctx, s.who.Load(), d, s, func(o store.Outcome) {
		defer s.answered()
		if o.Err != nil {
			s.refuse(r.ID, o.Err, o.Head)
			return
		}
		m := &o.Message
		s.Push(ackOf(r.ID, m, o.Dup))
		s.own(m.RoomID, m.Seq)
	})
}

// beat tells which rooms have moved and asks for a sign of life, when it is time; it ends a session whose
// credential has.
func (s *session) beat(now time.Time) {
	if expires := s.who.Load().ExpiresAt; !expires.IsZero() && now.After(expires) {
		s.conn.Close(socket.CloseToken, "the token has expired")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.welcomed || now.Before(s.nextBeat) {
		return
	}
	s.nextBeat = now.Add(s.chat.cfg.PingEvery)
	heads := s.changed
	s.changed = nil
	if len(heads) > 0 {
		s.chat.losses.hear(s.began, heads)
	}
	if now.Sub(s.lastPing) > s.chat.cfg.DeadAfter/pingPart {
		s.lastPing = now
		s.conn.Ping()
	}
	s.sendHeads(now, heads)
}

// pingPart: a client is asked for a sign of life so many times before it counts as dead.
const pingPart = 4

// headsPerFrame bounds an `hb`: one of all rooms of a large shop would be more than a queue holds.
const headsPerFrame = 1000

// sendHeads tells which rooms have moved, at the pace at which the client reads. The caller holds s.mu.
func (s *session) sendHeads(now time.Time, heads map[id.ID]int64) {
	frames := heartbeats(now, heads)
	s.emit(frames[0])
	if len(frames) > 1 {
		go s.pushInPace(frames[1:])
	}
}

func (s *session) pushInPace(frames [][]byte) {
	for _, f := range frames {
		if !s.conn.WaitForSpace(s.context()) {
			return
		}
		s.Push(f)
	}
}

// heartbeats are the frames that tell heads: at least one, which says that the connection lives.
func heartbeats(now time.Time, heads map[id.ID]int64) [][]byte {
	frames := make([][]byte, 0, 1+len(heads)/headsPerFrame)
	part := make(map[id.ID]int64, min(len(heads), headsPerFrame))
	cut := func() {
		frames = append(frames, encodeFrame(heartbeatFrame{Type: "hb", Time: now.UTC(), Heads: part}))
		clear(part)
	}
	for room, head := range heads {
		if part[room] = head; len(part) == headsPerFrame {
			cut()
		}
	}
	if len(part) > 0 || len(frames) == 0 {
		cut()
	}
	return frames
}
