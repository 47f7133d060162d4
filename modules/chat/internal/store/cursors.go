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
// read has also been delivered. It answers, for each move, the party's cursors now and whether this call moved
// them. All of it is one transaction of three statements, however many moves. The caller has checked the heads.
func (s *Store) MoveCursors(ctx context.Context, moves []Move) (now []Cursor, moved []bool, err error) {
	// Sorted, so that instances that write the same rooms wait for one another instead of locking each other out.
	sorted := slices.Clone(moves)
	slices.SortFunc(sorted, func(a, b Move) int {
		return cmp.Or(a.Room.Compare(b.Room), cmp.Compare(a.Party, b.Party), a.Member.Compare(b.Member))
	})
	for i := range sorted {
		sorted[i].Delivered = max(sorted[i].Delivered, sorted[i].Read)
	}
	at := s.Now()
	var found map[place]Cursor
	err = s.db.Tx(ctx, func(ctx context.Context) (err error) {
		if err := s.raiseParties(ctx, sorted, at); err != nil {
			return err
		}
		if err := s.raiseMembers(ctx, sorted, at); err != nil {
			return err
		}
		found, err = s.partyCursors(ctx, sorted)
		return err
	})
	if err != nil {
		return nil, nil, db.Fault(err)
	}
	now, moved = make([]Cursor, len(moves)), make([]bool, len(moves))
	for i, m := range moves {
		now[i] = found[place{m.Room, m.Party}]
		moved[i] = now[i].MovedAt.Equal(at)
	}
	return now, moved, nil
}

// raiseParties updates the parties' rows, which are made with the room. A row that is not raised keeps its moment.
func (s *Store) raiseParties(ctx context.Context, moves []Move, at time.Time) error {
	q := s.statement("INSERT INTO chat_cursors (room_id, party, delivered_seq, read_seq, moved_at, buyer_id, shop_id) VALUES ")
	for i := 0; i < len(moves); {
		first := moves[i]
		for i++; i < len(moves) && moves[i].Room == first.Room && moves[i].Party == first.Party; i++ {
			first.Delivered, first.Read = max(first.Delivered, moves[i].Delivered), max(first.Read, moves[i].Read)
		}
		q.more().id(first.Room).raw(",").word(first.Party).raw(",").num(first.Delivered).raw(",").num(first.Read).raw(",").at(at)
		q.raw(",").id(first.Buyer).raw(",").id(first.Shop).raw(")")
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

func (s *Store) partyCursors(ctx context.Context, moves []Move) (map[place]Cursor, error) {
	rooms := make([]id.ID, 0, len(moves))
	for _, m := range moves {
		rooms = append(rooms, m.Room)
	}
	found := make(map[place]Cursor, len(moves))
	q := s.statement(cursorsWhere + "room_id IN ").list(slices.Compact(rooms))
	return found, s.cursors(ctx, q, func(c *Cursor) { found[place{c.RoomID, c.Party}] = *c })
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
