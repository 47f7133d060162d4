package store

import (
	"context"
	"encoding/json"
	"slices"
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

// Latest reads the rooms of a party that have changed last: f's owner and Limit count.
func (s *Store) Latest(ctx context.Context, f Inbox) ([]Head, error) {
	column, owner := "shop_id", f.ShopID
	if owner.IsZero() {
		column, owner = "buyer_id", f.BuyerID
	}
	var hs []Head
	err := s.db.Read(ctx).Raw("SELECT id, buyer_id, shop_id, head, updated_at FROM chat_rooms WHERE "+column+" = ? ORDER BY updated_at DESC, id DESC LIMIT ?",
		owner, f.Limit).Scan(&hs).Error
	return hs, db.Fault(err)
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
