package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"mall/modules/platform/id"
)

// CardKey names what a stored card is about, "product:<id>"; "" for no card. It is what two sends with
// the same retry key must agree on: the card's name and price may have changed between them.
func CardKey(card *string) string {
	if card == nil {
		return ""
	}
	var c struct{ Kind, ID string }
	if err := json.Unmarshal([]byte(*card), &c); err != nil {
		return "unreadable"
	}
	return c.Kind + ":" + c.ID
}

// After, Before and Newest leave the messages' counts at zero.

// After reads at most limit messages with seq > after, ascending: one range of the primary key.
func (s *Store) After(ctx context.Context, room id.ID, after int64, limit int) ([]Message, error) {
	q := s.messagesOf(room).raw(" AND seq > ").num(after).raw(" ORDER BY seq LIMIT ").num(int64(limit))
	return s.messages(ctx, room, q, make([]Message, 0, min(limit, 100)))
}

// Before reads the at most limit newest messages with seq < before, ascending.
func (s *Store) Before(ctx context.Context, room id.ID, before int64, limit int) ([]Message, error) {
	q := s.messagesOf(room).raw(" AND seq < ").num(before).raw(" ORDER BY seq DESC LIMIT ").num(int64(limit))
	ms, err := s.messages(ctx, room, q, make([]Message, 0, min(limit, 100)))
	slices.Reverse(ms)
	return ms, err
}

// Newest reads the at most limit last messages, ascending, into the memory of a slice that is used again; nil will do.
// The last one is the room's head.
func (s *Store) Newest(ctx context.Context, room id.ID, limit int, into []Message) ([]Message, error) {
	q := s.messagesOf(room).raw(" ORDER BY seq DESC LIMIT ").num(int64(limit))
	ms, err := s.messages(ctx, room, q, into[:0])
	slices.Reverse(ms)
	return ms, err
}

func (s *Store) messagesOf(room id.ID) *statement {
	return s.statement("SELECT " + shownColumns + " FROM chat_messages WHERE room_id = ").id(room)
}

// shownColumns are what somebody who reads a known room has not got yet; the counts are for unread numbers only.
const shownColumns = "seq, inquiry_id, party, sender_id, sender_name, kind, body, card, client_msg_id, created_at"

// messages reads rows of shownColumns. What is the same in many rows is kept once.
func (s *Store) messages(ctx context.Context, room id.ID, q *statement, ms []Message) ([]Message, error) {
	var party, name, kind sql.RawBytes
	last := ""
	err := s.query(ctx, q, func(rows *sql.Rows) error {
		ms = append(ms, Message{RoomID: room})
		m := &ms[len(ms)-1]
		err := rows.Scan(&m.Seq, &m.InquiryID, &party, &m.SenderID, &name, &kind, &m.Body, &m.Card, &m.ClientMsgID, &m.CreatedAt)
		if string(name) != last {
			last = string(name)
		}
		m.Party, m.SenderName, m.Kind = word(party), last, word(kind)
		return err
	})
	return ms, err
}

// word is the string of one of our own names, without a copy for those that nearly every row has.
func word(b []byte) string {
	switch string(b) {
	case Buyer:
		return Buyer
	case Shop:
		return Shop
	case "text":
		return "text"
	}
	return string(b)
}

// LastUntil is the seq of the room's last message that was written until a moment of the database's clock; 0: there is
// none. It reads backwards what has been written since.
func (s *Store) LastUntil(ctx context.Context, room id.ID, until time.Time) (seq int64, err error) {
	q := s.statement("SELECT seq FROM chat_messages WHERE room_id = ").id(room).raw(" AND created_at <= ").at(until).raw(" ORDER BY seq DESC LIMIT 1")
	err = s.query(ctx, q, func(rows *sql.Rows) error { return rows.Scan(&seq) })
	return seq, err
}

// Head is one room's last seq with the parties it belongs to.
type Head struct {
	ID        id.ID
	BuyerID   id.ID
	ShopID    id.ID
	Head      int64
	UpdatedAt time.Time
	Blocks    int // who has blocked the room; 0: nobody
}

// ChangedHeads gives the heads of the rooms of some buyers or, with shops set, of some shops in which something has
// been said since a moment: one range of an index for each shop, the few rooms of each buyer.
func (s *Store) ChangedHeads(ctx context.Context, owners []id.ID, shops bool, since time.Time, each func(*Head)) error {
	column := "buyer_id IN "
	if shops {
		column = "shop_id IN "
	}
	return s.heads(ctx, s.statement(headsWhere+column).list(owners).raw(" AND head > 0 AND updated_at > ").at(since), each)
}

// RoomsOfBuyers reads all rooms of some buyers, who have few: one range of an index for each. all is false, and nothing is
// read, where they have more than limit together: LatestOf then says what is worth to know.
func (s *Store) RoomsOfBuyers(ctx context.Context, buyers []id.ID, limit int) (rooms []Head, all bool, err error) {
	if len(buyers) == 0 {
		return nil, true, nil
	}
	q := s.statement(headsWhere + "buyer_id IN ").list(buyers).raw(" LIMIT ").num(int64(limit) + 1)
	if rooms, err = s.allHeads(ctx, q); err != nil || len(rooms) > limit {
		return nil, false, err
	}
	return rooms, true, nil
}

// LatestOf reads, for each of some buyers or, with shops set, of some shops, the rooms that have changed last: limit of
// each, all in one query. SQLite takes at most 500 owners.
func (s *Store) LatestOf(ctx context.Context, owners []id.ID, shops bool, limit int) ([]Head, error) {
	if len(owners) == 0 {
		return nil, nil
	}
	return s.allHeads(ctx, s.latestOf(owners, shops, limit))
}

// latestOf reads a stretch of an index for each shop, however many rooms it has, and the few rooms of each buyer; IN and
// a window would read all of their rooms. MariaDB must be told so: in a union it would read the whole table for a shop
// that has much of it.
func (s *Store) latestOf(owners []id.ID, shops bool, limit int) *statement {
	column, index := "buyer_id = ", "chat_rooms_parties"
	if shops {
		column, index = "shop_id = ", "chat_rooms_shop_recent"
	}
	q := s.statement("")
	before, hint := "(", " FORCE INDEX ("+index+")"
	if q.sqlite { // which knows no parentheses in a union, and goes by the index itself
		before, hint = "SELECT * FROM (", ""
	}
	for i, owner := range owners {
		if i > 0 {
			q.raw(" UNION ALL ")
		}
		q.raw(before + "SELECT id, buyer_id, shop_id, head, updated_at, blocks FROM chat_rooms" + hint + " WHERE " + column).id(owner)
		q.raw(" ORDER BY updated_at DESC, id DESC LIMIT ").num(int64(limit)).raw(")")
	}
	return q
}

// Heads reads the heads of the given rooms; rooms that do not exist are missing from the answer.
func (s *Store) Heads(ctx context.Context, rooms []id.ID) ([]Head, error) {
	if len(rooms) == 0 {
		return nil, nil
	}
	return s.allHeads(ctx, s.statement(headsWhere+"id IN ").list(rooms))
}

const headsWhere = "SELECT id, buyer_id, shop_id, head, updated_at, blocks FROM chat_rooms WHERE "

func (s *Store) allHeads(ctx context.Context, q *statement) ([]Head, error) {
	var hs []Head
	err := s.heads(ctx, q, func(h *Head) { hs = append(hs, *h) })
	return hs, err
}

// heads calls each for every row; the head is good during the call.
func (s *Store) heads(ctx context.Context, q *statement, each func(*Head)) error {
	var h Head
	fields := []any{&h.ID, &h.BuyerID, &h.ShopID, &h.Head, &h.UpdatedAt, &h.Blocks}
	return s.query(ctx, q, func(rows *sql.Rows) error {
		err := rows.Scan(fields...)
		if err == nil {
			each(&h)
		}
		return err
	})
}
