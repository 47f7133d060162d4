package store

import (
	"database/sql"
	"slices"
	"time"

	"mall/modules/chat/internal/inquiry"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// locking says how a batch comes by its rooms.
type locking struct {
	skip  bool  // pass over those that another transaction holds
	first id.ID // but wait for this one; zero: for none
}

// lockedRoom is a room that the batch has locked.
type lockedRoom struct {
	ID, BuyerID, ShopID id.ID
	CreatedAt           time.Time
	inquiry.Changes
}

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

func (b *batch) lockRooms(skipLocked bool) db.Statement {
	ids := make([]id.ID, 0, len(b.drafts))
	for i := range b.drafts {
		ids = append(ids, b.drafts[i].RoomID)
	}
	slices.SortFunc(ids, id.ID.Compare)
	ids = slices.Compact(ids)
	q := b.s.statement("SELECT " + roomColumns + b.s.clock() + " FROM chat_rooms WHERE id IN ").list(ids)
	q.raw(" ORDER BY id").raw(b.s.forUpdate())
	if skipLocked && !q.sqlite {
		q.raw(" SKIP LOCKED")
	}
	return b.hold(q)
}

// locked takes a row of lockRooms.
func (b *batch) locked(rows *sql.Rows) error {
	b.lots = append(b.lots, lockedRoom{}) // it never grows past its capacity: pointers into it stay good
	r := &b.lots[len(b.lots)-1]
	fields := []any{&r.ID, &r.BuyerID, &r.ShopID, &r.Head, &r.BuyerCount, &r.ShopCount, &r.InquiryID, &r.Inquiries,
		&r.State, &r.WaitingSince, &r.CreatedAt, &r.UpdatedAt, &r.Blocks}
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
