package store

import (
	"context"

	"mall/modules/chat/internal/inquiry"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// Opening asks for the room of a buyer and a shop, and in it the inquiry about a subject.
type Opening struct {
	BuyerID, ShopID id.ID
	Subject         string
	SubjectID       id.ID   // zero for a general inquiry
	Card            *string // JSON, for a new inquiry
}

// Opened is the answer: the room, its inquiry for the subject, and whether one of them is new. In a room that is blocked
// nothing is opened: it is given as it is, without an inquiry.
type Opened struct {
	Room    Room
	Inquiry Inquiry
	New     bool
}

// OpenRoom finds or makes the room and the inquiry. Two calls at once, on any instances, answer the same
// room and inquiry: the unique keys decide, and the loser reads what the winner made.
func (s *Store) OpenRoom(ctx context.Context, o Opening) (Opened, error) {
	for attempt := 0; ; attempt++ {
		var out Opened
		err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
			out, err = s.openRoom(ctx, o)
			return err
		})
		if fault.CodeOf(err) != "duplicate" || attempt == 2 {
			return out, err
		}
	}
}

func (s *Store) openRoom(ctx context.Context, o Opening) (Opened, error) {
	var out Opened
	room, err := s.roomOf(ctx, o.BuyerID, o.ShopID)
	if fault.KindOf(err) == fault.NotFound {
		room, err = s.createRoom(ctx, o)
		out.New = true
	}
	if err != nil {
		return out, err
	}
	if room.Blocks != 0 {
		out.Room = room
		return out, nil
	}
	if o.SubjectID.IsZero() {
		o.SubjectID = room.ID
	}
	var found []Inquiry
	err = s.db.Write(ctx).Raw("SELECT "+inquiryColumns+inquiries+"WHERE q.room_id = ? AND q.subject = ? AND q.subject_id = ?",
		room.ID, o.Subject, o.SubjectID).Scan(&found).Error
	if err != nil {
		return out, db.Fault(err)
	}
	if len(found) == 1 {
		out.Inquiry = found[0]
	} else {
		out.New = true
		if out.Inquiry, err = s.createInquiry(ctx, room, o); err != nil {
			return out, err
		}
	}
	if room.InquiryID != out.Inquiry.ID {
		err = s.turnTo(ctx, &room, out.Inquiry)
	}
	out.Room = room
	return out, db.Fault(err)
}

// turnTo makes an inquiry the room's current one; the one before keeps its state for itself.
func (s *Store) turnTo(ctx context.Context, room *Room, q Inquiry) error {
	w := s.db.Write(ctx)
	if err := w.Exec("UPDATE chat_inquiries SET state = ? WHERE id = ?", room.State, room.InquiryID).Error; err != nil {
		return err
	}
	room.TurnTo(q.ID, q.State)
	room.Inquiries = max(room.Inquiries, q.Number)
	room.UpdatedAt = s.Now()
	return w.Exec("UPDATE chat_rooms SET inquiry_id = ?, inquiries = ?, state = ?, updated_at = ? WHERE id = ?",
		room.InquiryID, room.Inquiries, room.State, room.UpdatedAt, room.ID).Error
}

// roomOf locks the room of a pair; fault.NotFound when they have none.
func (s *Store) roomOf(ctx context.Context, buyer, shop id.ID) (Room, error) {
	var rooms []Room
	err := s.db.Write(ctx).Raw("SELECT "+roomColumns+" FROM chat_rooms WHERE buyer_id = ? AND shop_id = ?"+s.forUpdate(), buyer, shop).Scan(&rooms).Error
	if err != nil {
		return Room{}, db.Fault(err)
	}
	if len(rooms) == 0 {
		return Room{}, fault.Missing("room")
	}
	return rooms[0], nil
}

// forUpdate is the row lock; SQLite has one writer and needs none.
func (s *Store) forUpdate() string {
	if s.isSQLite() {
		return ""
	}
	return " FOR UPDATE"
}

func (s *Store) createRoom(ctx context.Context, o Opening) (Room, error) {
	now := s.Now()
	room := Room{ID: id.New(), BuyerID: o.BuyerID, ShopID: o.ShopID, CreatedAt: now,
		Room: inquiry.Room{State: Open, UpdatedAt: now}}
	room.InquiryID = room.ID // replaced by the inquiry's in this same transaction
	w := s.db.Write(ctx)
	if err := w.Create(&room).Error; err != nil {
		return room, db.Fault(err)
	}
	cursors := newCursors(room)
	return room, db.Fault(w.Create(&cursors).Error)
}

// newCursors are those that a room begins with.
func newCursors(r Room) []Cursor {
	first := Cursor{RoomID: r.ID, Party: Buyer, MovedAt: r.CreatedAt, BuyerID: r.BuyerID, ShopID: r.ShopID}
	second := first
	second.Party = Shop
	return []Cursor{first, second}
}

func (s *Store) createInquiry(ctx context.Context, room Room, o Opening) (Inquiry, error) {
	w := s.db.Write(ctx)
	var last int
	if err := w.Raw("SELECT COALESCE(MAX(number), 0) FROM chat_inquiries WHERE room_id = ?", room.ID).Scan(&last).Error; err != nil {
		return Inquiry{}, db.Fault(err)
	}
	q := Inquiry{ID: id.New(), RoomID: room.ID, Number: last + 1, Subject: o.Subject, SubjectID: o.SubjectID, Card: o.Card,
		State: Open, CreatedAt: s.Now()}
	err := w.Create(&q).Error
	return q, db.Fault(err)
}

// Room finds a room by its id; fault.NotFound when there is none.
func (s *Store) Room(ctx context.Context, room id.ID) (Room, error) {
	var rooms []Room
	err := s.db.Read(ctx).Raw("SELECT "+roomColumns+" FROM chat_rooms WHERE id = ?", room).Scan(&rooms).Error
	if err != nil {
		return Room{}, db.Fault(err)
	}
	if len(rooms) == 0 {
		return Room{}, fault.Missing("room")
	}
	return rooms[0], nil
}

// RoomOf finds the room of a buyer and a shop; fault.NotFound when they have none.
func (s *Store) RoomOf(ctx context.Context, buyer, shop id.ID) (Room, error) {
	var rooms []Room
	err := s.db.Read(ctx).Raw("SELECT "+roomColumns+" FROM chat_rooms WHERE buyer_id = ? AND shop_id = ?", buyer, shop).Scan(&rooms).Error
	if err != nil {
		return Room{}, db.Fault(err)
	}
	if len(rooms) == 0 {
		return Room{}, fault.Missing("room")
	}
	return rooms[0], nil
}

// Inquiries lists a room's inquiries, newest first, at most limit.
func (s *Store) Inquiries(ctx context.Context, room id.ID, limit int) ([]Inquiry, error) {
	var qs []Inquiry
	err := s.db.Read(ctx).Raw("SELECT "+inquiryColumns+inquiries+"WHERE q.room_id = ? ORDER BY q.number DESC LIMIT ?", room, limit).Scan(&qs).Error
	return qs, db.Fault(err)
}

// InquiryOn finds the room's inquiry about a subject; fault.NotFound when there is none.
func (s *Store) InquiryOn(ctx context.Context, room id.ID, subject string, subjectID id.ID) (Inquiry, error) {
	var qs []Inquiry
	err := s.db.Read(ctx).Raw("SELECT "+inquiryColumns+inquiries+"WHERE q.room_id = ? AND q.subject = ? AND q.subject_id = ?",
		room, subject, subjectID).Scan(&qs).Error
	if err != nil {
		return Inquiry{}, db.Fault(err)
	}
	if len(qs) == 0 {
		return Inquiry{}, fault.Missing("inquiry")
	}
	return qs[0], nil
}
