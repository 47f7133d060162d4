package chat

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"mall/modules/chat/internal/api"
	"mall/modules/chat/internal/hub"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

const (
	traceRing = 4096                   // publishes that an instance remembers
	traceWait = 400 * time.Millisecond // how long other instances have to answer
)

// tracer answers "where is my message?". Nothing of it is written anywhere while messages flow: each instance
// remembers its last publishes in a ring and knows its connections, and is asked when somebody wants to know.
type tracer struct {
	chat *Chat

	mu    sync.Mutex
	ring  [traceRing]publish
	next  int
	asked map[id.ID]chan traceAnswer
}

type publish struct {
	room id.ID
	seq  int64
	key  id.ID // the message's client_msg_id
	at   time.Time
}

// traceCall travels between instances: a question, or with Answer set the answer to it.
type traceCall struct {
	Question id.ID        `json:"question"`
	Room     id.ID        `json:"room"`
	Seq      int64        `json:"seq"`
	Buyer    id.ID        `json:"buyer"`
	Shop     id.ID        `json:"shop"`
	Answer   *traceAnswer `json:"answer,omitempty"`
}

type traceAnswer struct {
	Instance    id.ID          `json:"instance"`
	PublishedAt time.Time      `json:"published_at"` // zero: not by this one, or long ago
	Sessions    []traceSession `json:"sessions"`
}

type traceSession struct {
	Session   id.ID     `json:"session"`
	Party     string    `json:"party"`
	Member    id.ID     `json:"member"`
	Transport string    `json:"transport"`
	Since     time.Time `json:"since"`
	Pushed    bool      `json:"pushed"`
}

func newTracer(c *Chat) *tracer { return &tracer{chat: c, asked: map[id.ID]chan traceAnswer{}} }

// published notes that a message has gone to Redis.
func (t *tracer) published(m *store.Message) {
	now := time.Now()
	t.mu.Lock()
	t.ring[t.next] = publish{m.RoomID, m.Seq, m.ClientMsgID, now}
	t.next = (t.next + 1) % traceRing
	t.mu.Unlock()
}

// newest gives the latest publishes after a moment, at most limit of them, the latest first.
func (t *tracer) newest(after time.Time, limit int) (latest []publish) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range min(limit, traceRing) {
		p := t.ring[(t.next-1-i+traceRing)%traceRing]
		if !p.at.After(after) {
			break
		}
		latest = append(latest, p)
	}
	return latest
}

// answer says what this instance knows of a message.
func (t *tracer) answer(q traceCall) traceAnswer {
	a := traceAnswer{Instance: t.chat.relay.Instance(), Sessions: []traceSession{}}
	t.mu.Lock()
	for i := range t.ring {
		if p := &t.ring[i]; p.room == q.Room && p.seq == q.Seq {
			a.PublishedAt = p.at
		}
	}
	t.mu.Unlock()
	for party, side := range map[string]hub.Party{"buyer": hub.Buyer(q.Buyer), "shop": hub.Shop(q.Shop)} {
		for _, c := range t.chat.relay.Hub().Connections(side) {
			if s, ok := c.(*session); ok {
				a.Sessions = append(a.Sessions, s.trace(party, q.Room, q.Seq))
			}
		}
	}
	return a
}

func (s *session) trace(party string, room id.ID, seq int64) traceSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	return traceSession{Session: s.id, Party: party, Member: s.who.Load().MemberID, Transport: s.transport, Since: s.began, Pushed: s.stream.Last(room) >= seq}
}

// heard takes a question or an answer of another instance.
func (t *tracer) heard(payload []byte) {
	var call traceCall
	if json.Unmarshal(payload, &call) != nil {
		return // sealed by an instance of another version
	}
	if call.Answer == nil {
		a := t.answer(call)
		call.Answer = &a
		t.publish(call)
		return
	}
	t.mu.Lock()
	answers := t.asked[call.Question]
	t.mu.Unlock()
	select {
	case answers <- *call.Answer:
	default: // nobody waits for it any more
	}
}

func (t *tracer) publish(call traceCall) {
	text, err := json.Marshal(call)
	if err != nil { // ids, numbers and times always encode
		panic(err)
	}
	t.chat.relay.Tell(text)
}

// ask gathers what all instances know, this one first. Others have traceWait to answer.
func (t *tracer) ask(ctx context.Context, q traceCall) []traceAnswer {
	all := []traceAnswer{t.answer(q)}
	if !t.chat.bus.Connected() {
		return all
	}
	q.Question = id.New()
	answers := make(chan traceAnswer, 64)
	t.mu.Lock()
	t.asked[q.Question] = answers
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		delete(t.asked, q.Question)
		t.mu.Unlock()
	}()
	t.publish(q)
	limit := time.NewTimer(traceWait)
	defer limit.Stop()
	for {
		select {
		case a := <-answers:
			all = append(all, a)
		case <-limit.C:
			return all
		case <-ctx.Done():
			return all
		}
	}
}

// trace tells a message's way, for operators only; the look is recorded like any other.
func (c *Chat) trace(ctx context.Context, p *identity.Principal, room id.ID, seq int64, reason string) (api.Trace, error) {
	if !p.Operator && !p.FactorDemanded {
		return api.Trace{}, fault.Missing("room")
	}
	s, err := c.authorizeRead(ctx, p, room, reason)
	if err != nil {
		return api.Trace{}, err
	}
	found, err := c.store.After(ctx, room, seq-1, 1)
	if err != nil {
		return api.Trace{}, err
	}
	if len(found) == 0 || found[0].Seq != seq {
		return api.Trace{}, fault.Missing("message")
	}
	now, err := c.store.Room(ctx, room)
	if err != nil {
		return api.Trace{}, err
	}
	readers, err := c.store.MemberCursors(ctx, room)
	if err != nil {
		return api.Trace{}, err
	}
	out := api.Trace{RoomId: room, Seq: seq, Head: now.Head, Sender: messageView(&found[0]).Sender, StoredAt: found[0].CreatedAt}
	out.Sessions, out.Readers = []api.TraceSession{}, []api.TraceReader{}
	for _, r := range readers {
		if r.DeliveredSeq < seq {
			continue
		}
		out.Readers = append(out.Readers, reader(r, seq))
	}
	answers := c.traces.ask(ctx, traceCall{Room: room, Seq: seq, Buyer: s.buyer, Shop: s.shop})
	out.Instances = len(answers)
	for _, a := range answers {
		addAnswer(&out, a)
	}
	return out, nil
}

func reader(r store.MemberCursor, seq int64) api.TraceReader {
	v := api.TraceReader{MemberId: r.MemberID, Party: api.Party(r.Party), DeliveredSeq: r.DeliveredSeq, ReadSeq: r.ReadSeq, DeliveredAt: r.DeliveredAt}
	if r.ReadSeq >= seq {
		v.ReadAt = &r.ReadAt
	}
	return v
}

// addAnswer adds what one instance knows.
func addAnswer(out *api.Trace, a traceAnswer) {
	if !a.PublishedAt.IsZero() {
		at := a.PublishedAt.UTC()
		out.PublishedAt, out.PublishedBy = &at, &a.Instance
	}
	for _, s := range a.Sessions {
		out.Sessions = append(out.Sessions, api.TraceSession{SessionId: s.Session, Instance: a.Instance, Party: api.Party(s.Party), MemberId: s.Member,
			Transport: api.TraceSessionTransport(s.Transport), Since: s.Since.UTC(), Pushed: s.Pushed})
	}
}
