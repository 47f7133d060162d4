// Package store keeps rooms, inquiries, messages and cursors. It knows rows, not rules; its errors are faults.
package store

import (
	"context"
	"sync/atomic"
	"time"

	"mall/modules/chat/internal/inquiry"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// The parties of a room and the states of an inquiry are stored under the names that the rules give them.
const (
	Buyer  = inquiry.Buyer
	Shop   = inquiry.Shop
	System = inquiry.System

	Waiting = inquiry.Waiting
	Open    = inquiry.Open
	Held    = inquiry.Held
	Done    = inquiry.Done
)

// SystemSender is the sender_id of what the mall itself writes.
var SystemSender = id.Derived("mall/system")

// Room is one row of chat_rooms.
type Room struct {
	ID        id.ID
	BuyerID   id.ID
	ShopID    id.ID
	CreatedAt time.Time
	inquiry.Room
}

// TableName is the table of rooms.
func (Room) TableName() string { return "chat_rooms" }

const roomColumns = "id, buyer_id, shop_id, head, buyer_count, shop_count, inquiry_id, inquiries, state, waiting_since, " +
	"created_at, updated_at, blocks"

// Inquiry is one row of chat_inquiries.
type Inquiry struct {
	ID        id.ID
	RoomID    id.ID
	Number    int
	Subject   string
	SubjectID id.ID
	Card      *string // JSON
	State     string  // in the table only for good while it is not its room's current one: see inquiryColumns
	OwnerID   id.ID   // zero: nobody
	CreatedAt time.Time
}

// TableName is the table of inquiries.
func (Inquiry) TableName() string { return "chat_inquiries" }

// inquiryColumns are read from inquiries: the state of a room's current inquiry is kept on the room.
const (
	inquiryColumns = "q.id, q.room_id, q.number, q.subject, q.subject_id, q.card, CASE WHEN r.inquiry_id = q.id THEN r.state ELSE q.state END AS state, q.owner_id, q.created_at"
	inquiries      = " FROM chat_inquiries q JOIN chat_rooms r ON r.id = q.room_id "
)

// Message is one row of chat_messages.
type Message struct {
	RoomID      id.ID
	Seq         int64
	InquiryID   id.ID
	Party       string
	SenderID    id.ID
	SenderName  string
	Kind        string
	Body        string
	Card        *string // JSON
	ClientMsgID id.ID
	BuyerCount  int64
	ShopCount   int64
	CreatedAt   time.Time
}

// TableName is the table of messages.
func (Message) TableName() string { return "chat_messages" }

const messageColumns = "room_id, seq, inquiry_id, party, sender_id, sender_name, kind, body, card, client_msg_id, buyer_count, shop_count, created_at"

// Cursor is one row of chat_cursors.
type Cursor struct {
	RoomID       id.ID
	Party        string
	DeliveredSeq int64
	ReadSeq      int64
	MovedAt      time.Time
	BuyerID      id.ID // of the room
	ShopID       id.ID
}

// TableName is the table of cursors.
func (Cursor) TableName() string { return "chat_cursors" }

// Seats gives the question for which shops the members answer; seated is called for each such place.
type Seats func(members []id.ID, seated func(shop, member id.ID)) db.Query

// Store is the chat's part of the database.
type Store struct {
	db      *db.DB
	seats   Seats
	unreads unreadMemory
	skew    atomic.Int64              // how far the database's clock is ahead of ours, in microseconds
	proven  atomic.Pointer[time.Time] // see Proven
}

// New is a store over d. For drafts with Staff it must be NewSeated.
func New(d *db.DB) *Store { return NewSeated(d, nil) }

// NewSeated is a store over d that asks seats who may write for a shop; without them nobody may.
func NewSeated(d *db.DB, seats Seats) *Store { return &Store{db: d, seats: seats} }

// Now is the database's clock, as far as we know it: UTC, whole microseconds. Instances whose own clocks differ so
// write times that can be compared.
func (s *Store) Now() time.Time {
	return time.Now().Add(time.Duration(s.skew.Load()) * time.Microsecond).UTC().Truncate(time.Microsecond)
}

// skewStep is the least difference that is heeded: less may be the way from the server to here.
const skewStep = 100 * time.Millisecond

// learn takes a time that the database's server has just told. Of those who learn of the same step at once each sets the
// same, so that none is made twice.
func (s *Store) learn(server time.Time) {
	if d := server.Sub(s.Now()); d > skewStep || d < -skewStep {
		s.skew.Store(time.Until(server).Microseconds())
	}
}

// Epoch gives the epoch of the database, and makes one in a new database. Of several
// instances that start at once, all get the same.
func (s *Store) Epoch(ctx context.Context) (string, error) {
	insert := "INSERT IGNORE INTO chat_settings (name, value) VALUES ('epoch', ?)"
	if s.isSQLite() {
		insert = "INSERT OR IGNORE INTO chat_settings (name, value) VALUES ('epoch', ?)"
	}
	epoch, err := s.epoch(ctx)
	if err != nil || epoch != "" {
		return epoch, err
	}
	if err := s.db.Write(ctx).Exec(insert, id.New().String()).Error; err != nil {
		return "", db.Fault(err)
	}
	return s.epoch(ctx)
}

func (s *Store) epoch(ctx context.Context) (string, error) {
	var values []string
	err := s.db.Read(ctx).Raw("SELECT value FROM chat_settings WHERE name = 'epoch'").Scan(&values).Error
	if err != nil || len(values) == 0 {
		return "", db.Fault(err)
	}
	return values[0], nil
}

// RenewEpoch begins a new epoch. Cursors past their room's head, of messages that the restore
// has lost, are taken back to it: what gets those numbers next is unread.
func (s *Store) RenewEpoch(ctx context.Context) (string, error) {
	if _, err := s.Epoch(ctx); err != nil { // makes the row in a new database
		return "", err
	}
	epoch := id.New().String()
	const head = "(SELECT head FROM chat_rooms WHERE id = room_id)"
	const within = " SET read_seq = CASE WHEN read_seq > " + head + " THEN " + head + " ELSE read_seq END, delivered_seq = " + head + " WHERE delivered_seq > " + head
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		for _, change := range []string{"UPDATE chat_cursors" + within, "UPDATE chat_member_cursors" + within} {
			if err := s.db.Write(ctx).Exec(change).Error; err != nil {
				return err
			}
		}
		return s.db.Write(ctx).Exec("UPDATE chat_settings SET value = ? WHERE name = 'epoch'", epoch).Error
	})
	return epoch, err
}

// errOtherEpoch is for what was meant for another epoch.
var errOtherEpoch = fault.Retry(fault.Unavailable, "unavailable", "The mall's records have been restored; try again.", time.Second)

// InEpoch runs fn in a transaction that commits only in the given epoch. It looks last: whatever waited for
// the locks of a restore sees what the restore has done.
func (s *Store) InEpoch(ctx context.Context, epoch string, fn func(ctx context.Context) error) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := fn(ctx); err != nil {
			return err
		}
		now, err := s.epoch(ctx)
		if err == nil && now != epoch {
			return errOtherEpoch
		}
		return err
	})
}

// RecordAccess notes an operator's look into a room.
func (s *Store) RecordAccess(ctx context.Context, operator, room id.ID, reason string) error {
	return db.Fault(s.db.Write(ctx).Exec("INSERT INTO chat_accesses (id, operator_id, room_id, reason, at) VALUES (?, ?, ?, ?, ?)",
		id.New(), operator, room, reason, s.Now()).Error)
}
