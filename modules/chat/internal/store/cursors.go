package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// Move says what a member, and with them their party, has received and read of a room.
type Move struct {
	Room, Member    id.ID
	Party           string
	Buyer, Shop     id.ID // the room's sides
	Delivered, Read int64
}

// place is one side of a room.
type place struct {
	room  id.ID
	party string
}

// MoveCursors raises the cursors of members and of their parties to the given seqs where they are higher; what is
// read has also been delivered. It answers, for each move, the party's cursors now and whether one of these moves raised
// them. All of it is one transaction of four statements, however many moves. The caller has checked the heads.
func (s *Store) MoveCursors(ctx context.Context, moves []Move) (now []Cursor, moved []bool, err error) {
	// Sorted, so that instances that write the same rooms wait for one another instead of locking each other out.
	sorted := slices.Clone(moves)
	slices.SortFunc(sorted, func(a, b Move) int {
		return cmp.Or(a.Room.Compare(b.Room), cmp.Compare(a.Party, b.Party), a.Member.Compare(b.Member))
	})
	for i := range sorted {
		sorted[i].Delivered = max(sorted[i].Delivered, sorted[i].Read)
	}
	sides := sidesOf(sorted)
	at := s.Now()
	var raised map[place]Cursor
	var found map[place]Cursor
	err = s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if found, err = s.lockCursors(ctx, sides); err != nil {
			return err
		}
		raised = raise(found, sides)
		if err := s.raiseMembers(ctx, sorted, at); err != nil {
			return err
		}
		return s.writeCursors(ctx, sides, raised, at)
	})
	if err != nil {
		return nil, nil, err
	}
	now, moved = make([]Cursor, len(moves)), make([]bool, len(moves))
	for i, m := range moves {
		if now[i], moved[i] = raised[place{m.Room, m.Party}]; !moved[i] {
			now[i] = found[place{m.Room, m.Party}]
		}
	}
	return now, moved, nil
}

// sidesOf are the parties' cursors that sorted moves ask for, each once, with the highest seqs.
func sidesOf(moves []Move) []Cursor {
	sides := make([]Cursor, 0, len(moves))
	for _, m := range moves {
		if n := len(sides); n == 0 || sides[n-1].RoomID != m.Room || sides[n-1].Party != m.Party {
			sides = append(sides, Cursor{RoomID: m.Room, Party: m.Party, BuyerID: m.Buyer, ShopID: m.Shop})
		}
		c := &sides[len(sides)-1]
		c.DeliveredSeq, c.ReadSeq = max(c.DeliveredSeq, m.Delivered), max(c.ReadSeq, m.Read)
	}
	return sides
}

// raise gives the cursors that become higher than they were found.
func raise(found map[place]Cursor, sides []Cursor) map[place]Cursor {
	raised := make(map[place]Cursor, len(sides))
	for _, c := range sides {
		key := place{c.RoomID, c.Party}
		was := found[key]
		if c.DeliveredSeq > was.DeliveredSeq || c.ReadSeq > was.ReadSeq {
			c.DeliveredSeq, c.ReadSeq = max(c.DeliveredSeq, was.DeliveredSeq), max(c.ReadSeq, was.ReadSeq)
			raised[key] = c
		}
	}
	return raised
}

// lockCursors reads the parties' cursors as they are, and keeps others from moving them.
func (s *Store) lockCursors(ctx context.Context, sides []Cursor) (map[place]Cursor, error) {
	found := make(map[place]Cursor, len(sides))
	q := s.statement(cursorsWhere)
	for i, c := range sides {
		if i > 0 {
			q.raw(" OR ")
		}
		q.raw("(room_id = ").id(c.RoomID).raw(" AND party = ").word(c.Party).raw(")")
	}
	q.raw(s.forUpdate())
	return found, s.cursors(ctx, q, func(c *Cursor) { found[place{c.RoomID, c.Party}] = *c })
}

// writeCursors is the transaction's last statement, so that little lies between the moment that the server gives them and
// their being visible.
func (s *Store) writeCursors(ctx context.Context, sides []Cursor, raised map[place]Cursor, here time.Time) error {
	if len(raised) == 0 {
		return nil
	}
	q := s.statement("INSERT INTO chat_cursors (room_id, party, delivered_seq, read_seq, moved_at, buyer_id, shop_id) VALUES ")
	for _, side := range sides { // as they were locked
		c, ok := raised[place{side.RoomID, side.Party}]
		if !ok {
			continue
		}
		q.more().id(c.RoomID).raw(",").word(c.Party).raw(",").num(c.DeliveredSeq).raw(",").num(c.ReadSeq).raw(",").now(here)
		q.raw(",").id(c.BuyerID).raw(",").id(c.ShopID).raw(")")
	}
	return s.raise(ctx, q, "(room_id, party)", "chat_cursors", [][2]string{{"moved_at", ""}})
}

// raiseMembers keeps each member's seqs and the moments when they were reached.
func (s *Store) raiseMembers(ctx context.Context, moves []Move, at time.Time) error {
	q := s.statement("INSERT INTO chat_member_cursors (room_id, member_id, party, delivered_seq, read_seq, delivered_at, read_at) VALUES ")
	for _, m := range moves {
		q.more().id(m.Room).raw(",").id(m.Member).raw(",").word(m.Party).raw(",").num(m.Delivered).raw(",").num(m.Read).raw(",").at(at).raw(",").at(at).raw(")")
	}
	return s.raise(ctx, q, "(room_id, member_id)", "chat_member_cursors", [][2]string{{"delivered_at", "delivered_seq"}, {"read_at", "read_seq"}})
}

// raise ends an upsert that keeps the higher seqs. moments are set where their seq, or any, is raised; they come
// first, since MySQL assigns from left to right.
func (s *Store) raise(ctx context.Context, q *statement, key, table string, moments [][2]string) error {
	lower := func(column string) string { return table + "." + column + " < " + q.given(column) }
	set := func(column, when string) string {
		return column + " = CASE WHEN " + when + " THEN " + q.given(column) + " ELSE " + table + "." + column + " END"
	}
	q.onTaken(key)
	for _, m := range moments {
		when := lower(m[1])
		if m[1] == "" {
			when = lower("delivered_seq") + " OR " + lower("read_seq")
		}
		q.raw(set(m[0], when)).raw(", ")
	}
	q.raw(set("delivered_seq", lower("delivered_seq"))).raw(", ").raw(set("read_seq", lower("read_seq")))
	return s.exec(ctx, q)
}

// ChangedCursors gives the cursors in rooms of some buyers or, with shops set, of some shops that have moved since a
// moment: one range of an index for each of them.
func (s *Store) ChangedCursors(ctx context.Context, owners []id.ID, shops bool, since time.Time, each func(*Cursor)) error {
	column := "buyer_id IN "
	if shops {
		column = "shop_id IN "
	}
	q := s.statement(cursorsWhere + column).list(owners).raw(" AND moved_at > ").at(since).raw(" AND delivered_seq > 0")
	return s.cursors(ctx, q, each)
}

const cursorsWhere = "SELECT room_id, party, delivered_seq, read_seq, moved_at, buyer_id, shop_id FROM chat_cursors WHERE "

// cursors calls each for every row; the cursor is good during the call.
func (s *Store) cursors(ctx context.Context, q *statement, each func(*Cursor)) error {
	var c Cursor
	fields := []any{&c.RoomID, &c.Party, &c.DeliveredSeq, &c.ReadSeq, &c.MovedAt, &c.BuyerID, &c.ShopID}
	return s.query(ctx, q, func(rows *sql.Rows) error {
		err := rows.Scan(fields...)
		if err == nil {
			each(&c)
		}
		return err
	})
}

// MemberCursor is one row of chat_member_cursors.
type MemberCursor struct {
	MemberID              id.ID
	Party                 string
	DeliveredSeq, ReadSeq int64
	DeliveredAt, ReadAt   time.Time
}

// MemberCursors reads the cursors of everyone who has received anything in a room.
func (s *Store) MemberCursors(ctx context.Context, room id.ID) ([]MemberCursor, error) {
	var cs []MemberCursor
	err := s.db.Read(ctx).Raw("SELECT member_id, party, delivered_seq, read_seq, delivered_at, read_at FROM chat_member_cursors WHERE room_id = ?", room).Scan(&cs).Error
	return cs, db.Fault(err)
}
