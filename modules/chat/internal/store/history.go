package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"mall/modules/platform/db"
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

// After reads at most limit messages with seq > after, ascending: one range of the primary key.
func (s *Store) After(ctx context.Context, room id.ID, after int64, limit int) ([]Message, error) {
	ms := make([]Message, 0, min(limit, 64))
	err := s.db.Read(ctx).Raw("SELECT "+messageColumns+" FROM chat_messages WHERE room_id = ? AND seq > ? ORDER BY seq LIMIT ?",
		room, after, limit).Scan(&ms).Error
	return ms, db.Fault(err)
}

// Before reads the at most limit newest messages with seq < before, ascending.
func (s *Store) Before(ctx context.Context, room id.ID, before int64, limit int) ([]Message, error) {
	ms := make([]Message, 0, min(limit, 64))
	err := s.db.Read(ctx).Raw("SELECT "+messageColumns+" FROM chat_messages WHERE room_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
		room, before, limit).Scan(&ms).Error
	slices.Reverse(ms)
	return ms, db.Fault(err)
}

// Head is one room's last seq with the parties it belongs to.
type Head struct {
	ID        id.ID
	BuyerID   id.ID
	ShopID    id.ID
	Head      int64
	UpdatedAt time.Time
}

// ChangedHeads reads the heads of the rooms of some buyers or, with shops set, of some shops that have changed
// since a moment: one range of an index for each of them.
func (s *Store) ChangedHeads(ctx context.Context, owners []id.ID, shops bool, since time.Time) ([]Head, error) {
	column := "buyer_id"
	if shops {
		column = "shop_id"
	}
	var hs []Head
	err := s.db.Read(ctx).Raw("SELECT id, buyer_id, shop_id, head, updated_at FROM chat_rooms WHERE "+column+" IN ? AND updated_at > ?", owners, since.UTC()).Scan(&hs).Error
	return hs, db.Fault(err)
}

// LatestOf reads, for each of some buyers or, with shops set, of some shops, the rooms that have changed last: limit of
// each, all in one query. SQLite takes at most 500 owners.
func (s *Store) LatestOf(ctx context.Context, owners []id.ID, shops bool, limit int) ([]Head, error) {
	if len(owners) == 0 {
		return nil, nil
	}
	query, args := s.latestOf(owners, shops, limit)
	var hs []Head
	err := s.db.Read(ctx).Raw(query, args...).Scan(&hs).Error
	return hs, db.Fault(err)
}

// latestOf reads a stretch of an index for each owner, however many rooms they have; IN and a window would read all of
// their rooms. MariaDB must be told so: in a union it would read the whole table for a shop that has much of it.
func (s *Store) latestOf(owners []id.ID, shops bool, limit int) (string, []any) {
	column, index := "buyer_id", "chat_rooms_buyer_recent"
	if shops {
		column, index = "shop_id", "chat_rooms_shop_recent"
	}
	before, hint := "(", " FORCE INDEX ("+index+")"
	if s.db.Dialect() == "sqlite" { // which knows no parentheses in a union, and goes by the index itself
		before, hint = "SELECT * FROM (", ""
	}
	one := before + "SELECT id, buyer_id, shop_id, head, updated_at FROM chat_rooms" + hint +
		" WHERE " + column + " = ? ORDER BY updated_at DESC, id DESC LIMIT ?)"
	args := make([]any, 0, 2*len(owners))
	for _, owner := range owners {
		args = append(args, owner, limit)
	}
	return strings.Repeat(one+" UNION ALL ", len(owners)-1) + one, args
}

// Heads reads the heads of the given rooms; rooms that do not exist are missing from the answer.
func (s *Store) Heads(ctx context.Context, rooms []id.ID) ([]Head, error) {
	if len(rooms) == 0 {
		return nil, nil
	}
	var hs []Head
	err := s.db.Read(ctx).Raw("SELECT id, buyer_id, shop_id, head, updated_at FROM chat_rooms WHERE id IN ?", rooms).Scan(&hs).Error
	return hs, db.Fault(err)
}
