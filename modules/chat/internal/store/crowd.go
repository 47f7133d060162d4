package store

import (
	"context"

	"mall/modules/chat/internal/inquiry"
	"mall/modules/platform/id"
)

// createAtOnce is how many rows one statement adds.
const createAtOnce = 500

// CreateRooms makes the rooms of pairs that have none, each with its general inquiry and its cursors, in one
// transaction and few statements. The ids stand in the order of the openings. fault.Conflict when a pair has a room.
func (s *Store) CreateRooms(ctx context.Context, openings []Opening) ([]id.ID, error) {
	ids, now := make([]id.ID, len(openings)), s.Now()
	var rooms []Room
	var inquiries []Inquiry
	var cursors []Cursor
	for i, o := range openings {
		ids[i] = id.New()
		q := Inquiry{ID: id.New(), RoomID: ids[i], Number: 1, Subject: o.Subject, SubjectID: ids[i], State: Open, CreatedAt: now}
		inquiries = append(inquiries, q)
		rooms = append(rooms, Room{ID: ids[i], BuyerID: o.BuyerID, ShopID: o.ShopID, CreatedAt: now,
			Room: inquiry.Room{InquiryID: q.ID, Inquiries: 1, State: Open, UpdatedAt: now}})
		cursors = append(cursors, newCursors(rooms[i])...)
	}
	return ids, s.db.Tx(ctx, func(ctx context.Context) error {
		w := s.db.Write(ctx)
		for _, rows := range []any{&rooms, &inquiries, &cursors} {
			if err := w.CreateInBatches(rows, createAtOnce).Error; err != nil {
				return err
			}
		}
		return nil
	})
}
