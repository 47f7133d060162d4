package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// Draft is a message that has no number yet, or a change of an inquiry with the notice that tells of it.
type Draft struct {
	RoomID      id.ID
	InquiryID   id.ID // zero: the room's current inquiry
	Party       string
	Staff       Seat // who asks for it, when they do so for a shop: they must be seated while it is stored; zero: nobody is asked for
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
	return s.appendAs(ctx, drafts, locking{skip: skipLocked})
}

// AppendAfter is Append with skipLocked for a batch of which another batch has just held most rooms: it waits for one
// of them, at most for AfterPatience, and so begins when that other transaction has ended. It fails as Unavailable when
// it waits for nothing.
func (s *Store) AppendAfter(ctx context.Context, drafts []Draft, held id.ID) ([]Outcome, error) {
	return s.appendAs(ctx, drafts, locking{skip: true, first: held})
}

// AfterPatience is many times what a batch takes.
const AfterPatience = 100 * time.Millisecond

// locking says how a batch comes by its rooms.
type locking struct {
	skip  bool  // pass over those that another transaction holds
	first id.ID // but wait for this one; zero: for none
}

func (s *Store) appendAs(ctx context.Context, drafts []Draft, how locking) ([]Outcome, error) {
	out, err := s.append(ctx, drafts, how, false)
	if db.IsDuplicate(err) {
		out, err = s.append(ctx, drafts, how, true)
	}
	return out, err
}

func (s *Store) append(ctx context.Context, drafts []Draft, how locking, retries bool) ([]Outcome, error) {
	b := batch{s: s, drafts: drafts, out: make([]Outcome, len(drafts))}
	defer b.free()
	opening := b.lock(how)
	err := s.db.TxPipelined(ctx, opening, func(ctx context.Context) ([]db.Statement, error) { return b.run(ctx, how, retries) })
	if err != nil && !errors.Is(err, db.ErrOutcomeUnknown) {
		return nil, err
	}
	return b.out, err
}

// retryKey is the identity of one send, for the life of the row.
type retryKey struct{ room, sender, client id.ID }

func (d *Draft) key() retryKey { return retryKey{d.RoomID, d.SenderID, d.ClientMsgID} }

type batch struct {
	s      *Store
	drafts []Draft
	out    []Outcome
	now    time.Time // of the database's clock, which all instances share

	seated   map[Seat]bool // of those who write for a shop
	lots     []lockedRoom
	rooms    map[id.ID]*lockedRoom
	stored   map[retryKey]*Message // those that were there, and this batch's own
	answered map[retryKey]bool     // staff replies that a colleague's answer has overtaken
	named    map[id.ID]Inquiry     // inquiries that drafts change, or name besides the current one
	rows     []Message
	changed  []*lockedRoom          // rooms with new messages or another state
	parked   map[id.ID]*parkedState // inquiries that are no longer their room's current one
	answers  []id.ID                // rooms with further inquiries that a staff message has answered
	owners   []ownerChange
	blocks   []blockRow
	held     []*statement // what is used until the transaction is over
}

// lockedRoom is a room that the batch has locked.
type lockedRoom struct {
	Room

	changed bool // by this batch
}

// parkedState is the state that an inquiry keeps for itself once it is not its room's current one.
type parkedState struct {
	room  id.ID
	state string
}

type ownerChange struct{ inquiry, owner id.ID }

// lock is what the transaction begins with: it locks the rooms, or, when it waits for one of them, that one first.
func (b *batch) lock(how locking) db.Opening {
	b.now = b.s.Now()
	b.lots = make([]lockedRoom, 0, len(b.drafts))
	b.rooms = make(map[id.ID]*lockedRoom, len(b.drafts))
	if b.waits(how) {
		q := b.hold(b.s.statement("SELECT head FROM chat_rooms WHERE id = ").id(how.first).raw(b.s.forUpdate()))
		first := db.Query{Statement: q, Each: func(rows *sql.Rows) error { return rows.Scan(new(int64)) }}
		return db.Opening{Query: first, Then: b.askSeats(), Patience: AfterPatience}
	}
	return db.Opening{Query: db.Query{Statement: b.lockRooms(how.skip), Each: b.locked}, Then: b.askSeats()}
}

// askSeats asks for which shops those answer who write for one: in the packet that locks the rooms, so that it costs no
// round trip, and behind the locks, so that what was committed while they were waited for is seen.
func (b *batch) askSeats() db.Query {
	if b.s.seats == nil {
		return db.Query{}
	}
	var members []id.ID
	for i := range b.drafts {
		if m := b.drafts[i].Staff.Member; !m.IsZero() {
			members = append(members, m)
		}
	}
	if len(members) == 0 {
		return db.Query{}
	}
	slices.SortFunc(members, id.ID.Compare)
	members = slices.Compact(members)
	b.seated = make(map[Seat]bool, len(members))
	return b.s.seats(members, func(shop, member id.ID) { b.seated[Seat{shop, member}] = true })
}

// maySit says whether whoever asks for the draft has a seat in its room. Buyers have one for ever.
func (b *batch) maySit(room *lockedRoom, d *Draft) bool {
	return d.Staff == Seat{} || d.Staff.Shop == room.ShopID && b.seated[d.Staff]
}

// waits says whether the batch waits for one room before all others. Nothing is held while it does, so nobody can wait
// for us meanwhile.
func (b *batch) waits(how locking) bool { return !how.first.IsZero() && b.s.forUpdate() != "" }

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
	b.changed = make([]*lockedRoom, 0, len(b.rooms))
	for i := range b.drafts {
		b.out[i] = b.number(&b.drafts[i])
	}
	if err := b.recall(ctx); err != nil {
		return nil, err
	}
	return b.write(), nil
}

// write gives the statements that store what the batch has changed.
func (b *batch) write() []db.Statement {
	if len(b.changed) == 0 {
		return nil
	}
	var all []db.Statement
	if len(b.rows) > 0 {
		all = append(all, b.writeMessages())
	}
	all = append(all, b.writeRooms())
	all = append(all, b.writeInquiries()...)
	return append(all, b.writeBlocks()...)
}

func (b *batch) lockRooms(skipLocked bool) db.Statement {
	ids := make([]id.ID, 0, len(b.drafts))
	for i := range b.drafts {
		ids = append(ids, b.drafts[i].RoomID)
	}
	slices.SortFunc(ids, id.ID.Compare)
	ids = slices.Compact(ids)
	q := b.s.statement("SELECT " + roomColumns + b.s.clock() + " FROM chat_rooms WHERE id IN ").list(ids).raw(" ORDER BY id").raw(b.s.forUpdate())
	if skipLocked && !q.sqlite {
		q.raw(" SKIP LOCKED")
	}
	return b.hold(q)
}

// locked takes a row of lockRooms.
func (b *batch) locked(rows *sql.Rows) error {
	b.lots = append(b.lots, lockedRoom{}) // there is room for all: pointers into it stay good
	r := &b.lots[len(b.lots)-1]
	fields := []any{&r.ID, &r.BuyerID, &r.ShopID, &r.Head, &r.BuyerCount, &r.ShopCount, &r.InquiryID, &r.Inquiries, &r.State,
		&r.WaitingSince, &r.CreatedAt, &r.UpdatedAt, &r.Blocks}
	if !b.s.isSQLite() {
		fields = append(fields, &b.now)
	}
	err := rows.Scan(fields...)
	b.rooms[r.ID] = r
	return err
}

func (s *Store) isSQLite() bool { return s.db.Dialect() == db.SQLite }

// clock is a further column that tells the server's time; SQLite's is this process' own.
func (s *Store) clock() string {
	if s.isSQLite() {
		return ""
	}
	return ", UTC_TIMESTAMP(6)"
}

// findStored finds the drafts that are there already, under the room's lock, so that a retry that runs
// beside the first send sees it.
func (b *batch) findStored(ctx context.Context) error {
	keys := make([]retryKey, 0, len(b.drafts))
	for i := range b.drafts {
		if b.rooms[b.drafts[i].RoomID] != nil {
			keys = append(keys, b.drafts[i].key())
		}
	}
	found, err := b.s.find(ctx, keys)
	for key, m := range found {
		b.stored[key] = &m
	}
	return err
}

// recall looks for the keys of drafts that have been refused, under the room's lock too. What is stored is answered as
// stored, whatever would refuse it today.
func (b *batch) recall(ctx context.Context) error {
	var keys []retryKey
	for i := range b.drafts {
		if b.forgotten(i) {
			keys = append(keys, b.drafts[i].key())
		}
	}
	if len(keys) == 0 {
		return nil
	}
	found, err := b.s.find(ctx, keys)
	if err != nil {
		return err
	}
	for i := range b.drafts {
		if m, ok := found[b.drafts[i].key()]; ok && b.forgotten(i) {
			b.out[i] = Repeat(&b.drafts[i], m)
		}
	}
	return nil
}

// forgotten says whether a draft has been refused without a look for its key. Who has no seat learns nothing of what
// they have sent themselves.
func (b *batch) forgotten(i int) bool {
	d := &b.drafts[i]
	room := b.rooms[d.RoomID]
	return b.out[i].Err != nil && d.Change == nil && room != nil && b.stored[d.key()] == nil && b.maySit(room, d)
}

func (s *Store) find(ctx context.Context, keys []retryKey) (map[retryKey]Message, error) {
	found := make(map[retryKey]Message)
	if len(keys) == 0 {
		return found, nil
	}
	args := make([]any, 0, 3*len(keys))
	for _, k := range keys {
		args = append(args, k.room, k.sender, k.client)
	}
	where := "(room_id = ? AND sender_id = ? AND client_msg_id = ?)"
	where += strings.Repeat(" OR "+where, len(keys)-1)
	var rows []Message
	if err := s.db.Write(ctx).Raw("SELECT "+messageColumns+" FROM chat_messages WHERE "+where, args...).Scan(&rows).Error; err != nil {
		return nil, db.Fault(err)
	}
	for _, m := range rows {
		found[retryKey{m.RoomID, m.SenderID, m.ClientMsgID}] = m
	}
	return found, nil
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
	if err := b.s.db.Write(ctx).Raw("SELECT "+inquiryColumns+inquiries+"WHERE q.id IN ?", ids).Scan(&qs).Error; err != nil {
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
	case room.Blocks != 0 && d.Party != System:
		return Outcome{Err: errBlocked(room, d.Party)}
	}
	if b.answered[d.key()] || b.answeredHere(d) {
		return Outcome{Head: room.Head, Err: fault.New(fault.Conflict, "stale", "A colleague has answered meanwhile.")}
	}
	inquiry, ok := b.inquiry(room, d)
	if !ok {
		return Outcome{Err: fault.Invalidf("inquiry_id", "not_found", "The room has no such inquiry.")}
	}
	return b.add(room, inquiry, d, d.Body)
}

// add gives a message its number.
func (b *batch) add(room *lockedRoom, inquiry id.ID, d *Draft, body string) Outcome {
	b.count(room, d.Party)
	m := Message{RoomID: room.ID, Seq: room.Head, InquiryID: inquiry, Party: d.Party, SenderID: d.SenderID, SenderName: d.SenderName,
		Kind: d.Kind, Body: body, Card: d.Card, ClientMsgID: d.ClientMsgID, BuyerCount: room.BuyerCount, ShopCount: room.ShopCount, CreatedAt: b.now}
	b.rows = append(b.rows, m) // there is room for all: pointers into it stay good
	b.stored[d.key()] = &b.rows[len(b.rows)-1]
	return Outcome{Message: m}
}

// findAnswers finds out which staff replies come too late: a colleague answered past what they had read.
func (b *batch) findAnswers(ctx context.Context) error {
	b.answered = map[retryKey]bool{}
	for i := range b.drafts {
		d := &b.drafts[i]
		if room := b.rooms[d.RoomID]; room == nil || d.ExpectSeq == nil || room.Head <= *d.ExpectSeq {
			continue
		}
		var seqs []int64
		err := b.s.db.Write(ctx).Raw("SELECT seq FROM chat_messages WHERE room_id = ? AND seq > ? AND party = 'shop' AND sender_id <> ? LIMIT 1",
			d.RoomID, *d.ExpectSeq, d.SenderID).Scan(&seqs).Error
		if err != nil {
			return db.Fault(err)
		}
		b.answered[d.key()] = len(seqs) > 0
	}
	return nil
}

// answeredHere looks for that answer among the messages of this same batch.
func (b *batch) answeredHere(d *Draft) bool {
	return d.ExpectSeq != nil && slices.ContainsFunc(b.rows, func(m Message) bool {
		return m.RoomID == d.RoomID && m.Seq > *d.ExpectSeq && m.Party == Shop && m.SenderID != d.SenderID
	})
}

// Repeat is the outcome of a draft whose key is stored as m: the same message again, or a conflict when
// the key was used for another body. A change's key is its own: whoever finds it has found the change.
func Repeat(d *Draft, m Message) Outcome {
	if d.Change == nil && (m.Body != d.Body || CardKey(m.Card) != d.CardKey) {
		return Outcome{Err: fault.New(fault.Conflict, "client_msg_id_conflict", "This client_msg_id was used for another message.")}
	}
	return Outcome{Message: m, Dup: true}
}

// inquiry is what the draft is about; a person's message makes it the room's current one, a notice does
// not. false when the room does not have it.
func (b *batch) inquiry(room *lockedRoom, d *Draft) (id.ID, bool) {
	if d.InquiryID.IsZero() || d.InquiryID == room.InquiryID {
		return room.InquiryID, true
	}
	q, ok := b.named[d.InquiryID]
	if !ok || q.RoomID != room.ID {
		return id.Nil, false
	}
	if d.Party != System {
		b.makeCurrent(room, q)
	}
	return q.ID, true
}

// makeCurrent lets the room turn to another inquiry. The state of the current one is the room's own, so that a
// message changes one row and not two; the one that is left keeps its state for itself.
func (b *batch) makeCurrent(room *lockedRoom, q Inquiry) {
	state := b.state(room, q)
	delete(b.parked, q.ID)
	b.park(room, room.InquiryID, room.State)
	room.InquiryID, room.State = q.ID, stateWith(room.State, state)
}

// count takes the next number and moves the inquiry's state: a buyer's message waits for an answer, a
// staff's message is one; a notice changes nothing.
func (b *batch) count(room *lockedRoom, party string) {
	b.touch(room)
	room.Head++
	switch party {
	case Buyer:
		room.BuyerCount++
		if room.WaitingSince == nil || room.State != Waiting { // what was put away had stopped waiting
			at := b.now
			room.WaitingSince = &at
		}
		room.State = Waiting
	case Shop:
		room.ShopCount++
		room.State = Open
		if room.WaitingSince != nil {
			room.WaitingSince = nil
			b.answerAll(room)
		}
	}
}

// touch has the room's row written.
func (b *batch) touch(room *lockedRoom) {
	if !room.changed {
		room.changed = true
		b.changed = append(b.changed, room)
	}
	room.UpdatedAt = b.now
}

// answerAll notes that an answer is one to all that the buyer has asked in the room.
func (b *batch) answerAll(room *lockedRoom) {
	if room.Inquiries < 2 {
		return
	}
	b.answers = append(b.answers, room.ID)
	for _, p := range b.parked {
		if p.room == room.ID && p.state == Waiting {
			p.state = Open
		}
	}
}

func (b *batch) writeMessages() db.Statement {
	q := b.s.statement("INSERT INTO chat_messages (" + messageColumns + ") VALUES ")
	for i := range b.rows {
		m := &b.rows[i]
		q.more().id(m.RoomID).raw(",").num(m.Seq).raw(",").id(m.InquiryID).raw(",").word(m.Party).raw(",").id(m.SenderID).raw(",")
		q.arg(m.SenderName).raw(",").word(m.Kind).raw(",").arg(m.Body).raw(",").maybeArg(m.Card).raw(",").id(m.ClientMsgID).raw(",")
		q.num(m.BuyerCount).raw(",").num(m.ShopCount).raw(",").at(m.CreatedAt).raw(")")
	}
	return b.hold(q)
}

// writeRooms is one statement for all heads: the rows are there and locked, so it only ever updates them.
func (b *batch) writeRooms() db.Statement {
	slices.SortFunc(b.changed, func(x, y *lockedRoom) int { return x.ID.Compare(y.ID) }) // as they were locked
	q := b.s.statement("INSERT INTO chat_rooms (" + roomColumns + ") VALUES ")
	for _, r := range b.changed {
		q.more().id(r.ID).raw(",").id(r.BuyerID).raw(",").id(r.ShopID).raw(",").num(r.Head).raw(",").num(r.BuyerCount).raw(",").num(r.ShopCount).raw(",")
		q.id(r.InquiryID).raw(",").num(int64(r.Inquiries)).raw(",").word(r.State).raw(",").maybeAt(r.WaitingSince).raw(",").at(r.CreatedAt).raw(",").now(r.UpdatedAt).raw(",").num(int64(r.Blocks)).raw(")")
	}
	q.onTaken("(id)")
	for i, column := range []string{"head", "buyer_count", "shop_count", "inquiry_id", "state", "waiting_since", "updated_at", "blocks"} {
		if i > 0 {
			q.raw(", ")
		}
		q.raw(column + " = " + q.given(column))
	}
	return b.hold(q)
}

// writeInquiries changes owners, and the states of inquiries that are not, or no longer, their room's current one: rarely
// any.
func (b *batch) writeInquiries() []db.Statement {
	var all []db.Statement
	if len(b.answers) > 0 {
		all = append(all, b.hold(b.s.statement("UPDATE chat_inquiries SET state = 'open' WHERE room_id IN ").list(b.answers).raw(" AND state = 'waiting'")))
	}
	for inquiry, p := range b.parked {
		all = append(all, b.hold(b.s.statement("UPDATE chat_inquiries SET state = ").word(p.state).raw(" WHERE id = ").id(inquiry)))
	}
	for _, c := range b.owners {
		all = append(all, b.hold(b.s.statement("UPDATE chat_inquiries SET owner_id = ").id(c.owner).raw(" WHERE id = ").id(c.inquiry)))
	}
	return all
}

// Find looks drafts up by their retry keys: after a COMMIT whose outcome is unknown it tells what was
// stored after all. The outcomes stand in the order of the drafts; ErrLocked marks what was not found.
func (s *Store) Find(ctx context.Context, drafts []Draft) ([]Outcome, error) {
	keys := make([]retryKey, len(drafts))
	for i := range drafts {
		keys[i] = drafts[i].key()
	}
	found, err := s.find(ctx, keys)
	if err != nil {
		return nil, err
	}
	out := make([]Outcome, len(drafts))
	for i := range drafts {
		if m, ok := found[keys[i]]; ok {
			out[i] = Repeat(&drafts[i], m)
		} else {
			out[i] = Outcome{Err: ErrLocked}
		}
	}
	return out, nil
}
