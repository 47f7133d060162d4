package store

import (
	"context"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// RoomsOf are the ids of all rooms that a member has as a buyer: one for each shop they have ever asked.
func (s *Store) RoomsOf(ctx context.Context, buyer id.ID) ([]id.ID, error) {
	var rooms []id.ID
	err := s.db.Read(ctx).Table("chat_rooms").Where("buyer_id = ?", buyer).Order("id").Pluck("id", &rooms).Error
	return rooms, db.Fault(err)
}

// RenameSender puts another name to what a member has said in a room; the retry key's index finds the rows.
func (s *Store) RenameSender(ctx context.Context, room, sender id.ID, name string) error {
	return db.Fault(s.db.Write(ctx).Exec(
		"UPDATE chat_messages SET sender_name = ? WHERE room_id = ? AND sender_id = ?", name, room, sender).Error)
}
