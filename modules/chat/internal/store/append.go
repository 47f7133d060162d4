package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"mall/modules/chat/internal/inquiry"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// Draft is a message that has no number yet, or a change of an inquiry with the notice that tells of it.
type Draft struct {
	RoomID      id.ID
	InquiryID   id.ID // zero: the room's current inquiry
	Party       string
	Staff       Seat // who asks for it for a shop: they must be seated while it is stored; zero: nobody is asked for
	SenderID    id.ID
	SenderName  string
	Kind        string
	Body        string
	Card        *string // JSON as it would be stored
	CardKey     string  // what the sender asked for: "product:<id>"; tells a retry from another message
	ClientMsgID id.ID
	ExpectSeq   *int64 // refuse when a colleague has answered past this seq
	Refusal     error  // why it may not be stored today: its answer, unless it has been stored already
	Change      *InquiryChange
	Block       *BlockChange // Body is the notice that tells of it
}

// Seat is a member's place among a shop's staff.
type Seat struct{ Shop, Member id.ID }

// Outcome is what became of one draft: a stored message, or the reason why not.
type Outcome struct {
	Message Message // its Seq is 0 for a change of which nothing is told
	Dup     bool    // it had been stored before; Message is that one
	Head    int64   // with a stale fault: the room's head
	Err     error
}

// ErrLocked says that another transaction holds the room; the draft may be appended alone, waiting for it.
var ErrLocked = fault.New(fault.Unavailable, "unavailable", "The room is busy; try again.")

// Append stores drafts in one transaction and numbers them in their rooms without a gap: the rooms are
// locked, in the order of their ids, before a number is taken, and the numbers go back with a ROLLBACK.
// With skipLocked a room that another transaction holds fails with ErrLocked instead of making the others
// wait. The outcomes stand in the order of the drafts. A returned error means that nothing is known to be
// stored; when it wraps db.ErrOutcomeUnknown the COMMIT itself failed and any of it may be: use Find, and the outcomes
// are what was to be.
//
// Hardly any draft is a retry, so the retry keys are not looked for at first: the unique key refuses a batch that
// holds one, and the batch is stored again, this time with a look. What would be refused is looked for before it is: a
// retry is answered as its first try was, whatever has changed since.
func (s *Store) Append(ctx context.Context, drafts []Draft, skipLocked bool) ([]Outcome, error) {
	return s.storeBatch(ctx, drafts, locking{skip: skipLocked})
}

// AppendAfter is Append with skipLocked for a batch of which another batch has just held most rooms: it waits for one
// of them, at most for AfterPatience, and so begins when that other transaction has ended. It fails as Unavailable when
// it waits for nothing.
func (s *Store) AppendAfter(ctx context.Context, drafts []Draft, held id.ID) ([]Outcome, error) {
	return s.storeBatch(ctx, drafts, locking{skip: true, first: held})
}

// AfterPatience is many times what a batch takes.
const AfterPatience = 100 * time.Millisecond

func (s *Store) storeBatch(ctx context.Context, drafts []Draft, how locking) ([]Outcome, error) {
	out, err := s.tryBatch(ctx, drafts, how, false)
	if db.IsDuplicate(err) {
		out, err = s.tryBatch(ctx, drafts, how, true)
	}
	return out, err
}

// tryBatch is one transaction; retries says whether it looks for the retry keys first.
func (s *Store) tryBatch(ctx context.Context, drafts []Draft, how locking, retries bool) ([]Outcome, error) {
	b := batch{s: s, drafts: drafts, out: make([]Outcome, len(drafts))}
	defer b.free()
	err := s.db.TxPipelined(ctx, b.lock(how), func(ctx context.Context) ([]db.Statement, error) {
		return b.run(ctx, how, retries)
	})
	if err != nil && !errors.Is(err, db.ErrOutcomeUnknown) {
		return nil, err
	}
	return b.out, err
}

type batch struct {
	s      *Store
	drafts []Draft
	out    []Outcome
	now    time.Time // of the database's clock, which all instances share

	seated   map[Seat]bool // of those who write for a shop
	lots     []lockedRoom  // in the order of their ids
	rooms    map[id.ID]*lockedRoom
	stored   map[retryKey]*Message // those that were there, and this batch's own
	answered map[retryKey]bool     // staff replies that a colleague's answer has overtaken
	named    map[id.ID]Inquiry     // inquiries that drafts change, or name besides the current one
	rows     []Message
	owners   []ownerChange
	blocks   []blockRow
	held     []*statement // what is used until the transaction is over
}

type ownerChange struct{ inquiry, owner id.ID }

// hold keeps a statement for as long as the batch is there.
func (b *batch) hold(q *statement) db.Statement {
	b.held = append(b.held, q)
	return db.Statement{Text: q.text, Args: q.args}
}

func (b *batch) free() {
	for _, q := range b.held {
		q.free()
	}
}

// run numbers the drafts of the rooms that are locked, and gives the statements that store them.
func (b *batch) run(ctx context.Context, how locking, retries bool) ([]db.Statement, error) {
	if b.waits(how) {
		q := b.lockRooms(how.skip)
		if err := b.s.db.Query(ctx, string(q.Text), q.Args, b.locked); err != nil {
			return nil, db.Fault(err)
		}
	}
	if !b.s.isSQLite() && len(b.rooms) > 0 {
		b.s.learn(b.now)
	}
	b.stored = make(map[retryKey]*Message, len(b.drafts))
	if retries {
		if err := b.findStored(ctx); err != nil {
			return nil, err
		}
	}
	if err := b.findInquiries(ctx); err != nil {
		return nil, err
	}
	if err := b.findAnswers(ctx); err != nil {
		return nil, err
	}
	b.rows = make([]Message, 0, len(b.drafts))
	for i := range b.drafts {
		b.out[i] = b.number(&b.drafts[i])
	}
	if err := b.recall(ctx); err != nil {
		return nil, err
	}
	return b.write(), nil
}

func (b *batch) findInquiries(ctx context.Context) error {
	var ids []id.ID
	for i := range b.drafts {
		d := &b.drafts[i]
		room := b.rooms[d.RoomID]
		if room != nil && !d.InquiryID.IsZero() && (d.InquiryID != room.InquiryID || d.Change != nil) {
			ids = append(ids, d.InquiryID)
		}
	}
	b.named = map[id.ID]Inquiry{}
	if len(ids) == 0 {
		return nil
	}
	var qs []Inquiry
	const named = "SELECT " + inquiryColumns + inquiries + "WHERE q.id IN ?"
	if err := b.s.db.Write(ctx).Raw(named, ids).Scan(&qs).Error; err != nil {
		return db.Fault(err)
	}
	for _, q := range qs {
		b.named[q.ID] = q
	}
	return nil
}

// number gives one draft its place in its room, or says why it gets none.
func (b *batch) number(d *Draft) Outcome {
	room := b.rooms[d.RoomID]
	if room == nil {
		return Outcome{Err: ErrLocked}
	}
	if !b.maySit(room, d) {
		return Outcome{Err: fault.Missing("room")}
	}
	if m, ok := b.stored[d.key()]; ok {
		return Repeat(d, *m)
	}
	if d.Refusal != nil {
		return Outcome{Err: d.Refusal}
	}
	switch {
	case d.Change != nil:
		return b.change(room, d)
	case d.Block != nil:
		return b.block(room, d)
	}
	return b.message(room, d)
}

// message does what a message does to its room.
func (b *batch) message(room *lockedRoom, d *Draft) Outcome {
	send := inquiry.Send{Party: d.Party, InquiryID: d.InquiryID, Stale: b.isStale(d)}
	if q, ok := b.named[d.InquiryID]; ok && q.RoomID == room.ID {
		send.Stored = q.State
	}
	about, err := room.Take(send, b.now)
	switch {
	case errors.Is(err, inquiry.ErrStale):
		return Outcome{Head: room.Head, Err: err}
	case err != nil:
		return Outcome{Err: err}
	}
	return b.add(room, about, d, d.Body)
}

// add makes the row of a message that has taken its room's head for its seq.
func (b *batch) add(room *lockedRoom, about id.ID, d *Draft, body string) Outcome {
	m := Message{RoomID: room.ID, Seq: room.Head, InquiryID: about, Party: d.Party,
		SenderID: d.SenderID, SenderName: d.SenderName, Kind: d.Kind, Body: body, Card: d.Card, ClientMsgID: d.ClientMsgID,
		BuyerCount: room.BuyerCount, ShopCount: room.ShopCount, CreatedAt: b.now}
	b.rows = append(b.rows, m) // it never grows past its capacity: pointers into it stay good
	b.stored[d.key()] = &b.rows[len(b.rows)-1]
	return Outcome{Message: m}
}

func (d *Draft) reply() inquiry.Reply { return inquiry.Reply{Sender: d.SenderID, Seen: *d.ExpectSeq} }

// findAnswers finds out which replies are stale by what is stored already: the query is Reply.OvertakenBy.
func (b *batch) findAnswers(ctx context.Context) error {
	b.answered = map[retryKey]bool{}
	for i := range b.drafts {
		d := &b.drafts[i]
		if room := b.rooms[d.RoomID]; room == nil || d.ExpectSeq == nil || !d.reply().MayBeStale(room.Head) {
			continue
		}
		var seqs []int64
		const answer = "SELECT seq FROM chat_messages WHERE room_id = ? AND seq > ? AND party = 'shop' AND sender_id <> ?" +
			" LIMIT 1"
		if err := b.s.db.Write(ctx).Raw(answer, d.RoomID, *d.ExpectSeq, d.SenderID).Scan(&seqs).Error; err != nil {
			return db.Fault(err)
		}
		b.answered[d.key()] = len(seqs) > 0
	}
	return nil
}

// isStale says whether a reply is, by what is stored or by the messages of this same batch.
func (b *batch) isStale(d *Draft) bool {
	if d.ExpectSeq == nil {
		return false
	}
	reply := d.reply()
	return b.answered[d.key()] || slices.ContainsFunc(b.rows, func(m Message) bool {
		return m.RoomID == d.RoomID && reply.OvertakenBy(m.Party, m.SenderID, m.Seq)
	})
}
