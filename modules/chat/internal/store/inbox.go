package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// Inbox says which rooms to list. Exactly one of BuyerID and ShopID is set.
type Inbox struct {
	BuyerID, ShopID id.ID
	State           string
	Unread          bool
	Waiting         bool // longest unanswered first, and only rooms in that state; else last change first
	UpdatedAfter    time.Time
	AfterTime       time.Time // where the previous page ended
	AfterID         id.ID
	Limit           int
}

// Entry is one room of a list with what the list shows of it, from one query.
type Entry struct {
	Room    Room
	Inquiry Inquiry
	Last    Message // zero when nothing has been said yet

	BuyerDelivered int64
	BuyerRead      int64
	ShopDelivered  int64
	ShopRead       int64
	BuyerReadOf    int64 // how many shop messages the buyer has read, by the message at their cursor
	ShopReadOf     int64 // how many buyer messages the shop has read
}

// UnreadFor is how many messages of the other party lie past the party's cursor.
func (e *Entry) UnreadFor(party string) int64 {
	if party == Buyer {
		return e.Room.ShopCount - e.BuyerReadOf
	}
	return e.Room.BuyerCount - e.ShopReadOf
}

// entryColumns and entryJoins reach each joined row by its primary key: a page of n rooms costs 7n point reads,
// however long the rooms are.
const (
	entryColumns = `SELECT r.id, r.buyer_id, r.shop_id, r.head, r.buyer_count, r.shop_count, r.inquiry_id, r.inquiries, r.state, r.waiting_since, r.created_at, r.updated_at, r.blocks,
 q.id AS q_id, q.room_id AS q_room_id, q.number AS q_number, q.subject AS q_subject, q.subject_id AS q_subject_id, q.card AS q_card, r.state AS q_state, q.owner_id AS q_owner_id, q.created_at AS q_created_at,
 m.room_id AS m_room_id, m.seq AS m_seq, m.inquiry_id AS m_inquiry_id, m.party AS m_party, m.sender_id AS m_sender_id, m.sender_name AS m_sender_name, m.kind AS m_kind, m.body AS m_body, m.card AS m_card, m.client_msg_id AS m_client_msg_id, m.created_at AS m_created_at,
 bc.delivered_seq AS buyer_delivered, bc.read_seq AS buyer_read, sc.delivered_seq AS shop_delivered, sc.read_seq AS shop_read,
 COALESCE(bm.shop_count, 0) AS buyer_read_of, COALESCE(sm.buyer_count, 0) AS shop_read_of
`
	entryJoins = `JOIN chat_inquiries q ON q.id = r.inquiry_id
JOIN chat_cursors bc ON bc.room_id = r.id AND bc.party = 'buyer'
JOIN chat_cursors sc ON sc.room_id = r.id AND sc.party = 'shop'
LEFT JOIN chat_messages m ON m.room_id = r.id AND m.seq = r.head
LEFT JOIN chat_messages bm ON bm.room_id = r.id AND bm.seq = bc.read_seq
LEFT JOIN chat_messages sm ON sm.room_id = r.id AND sm.seq = sc.read_seq
`
)

// Entries lists rooms by keyset: at most f.Limit.
func (s *Store) Entries(ctx context.Context, f Inbox) ([]Entry, error) {
	query, args := f.query()
	return s.entries(ctx, query, args, f.Limit)
}

// Entry reads one room as a list shows it; an empty answer when there is no such room.
func (s *Store) Entry(ctx context.Context, room id.ID) ([]Entry, error) {
	return s.entries(ctx, entryColumns+"FROM chat_rooms r\n"+entryJoins+"WHERE r.id = ?", []any{room}, 1)
}

// entries scans rows of entryColumns, in their order.
func (s *Store) entries(ctx context.Context, query string, args []any, limit int) ([]Entry, error) {
	es := make([]Entry, 0, min(limit, 100))
	err := s.db.Query(ctx, query, args, func(rows *sql.Rows) error {
		es = append(es, Entry{})
		e := &es[len(es)-1]
		r, q, m := &e.Room, &e.Inquiry, lastMessage{Message: &e.Last}
		err := rows.Scan(&r.ID, &r.BuyerID, &r.ShopID, &r.Head, &r.BuyerCount, &r.ShopCount, &r.InquiryID, &r.Inquiries, &r.State, &r.WaitingSince, &r.CreatedAt, &r.UpdatedAt, &r.Blocks,
			&q.ID, &q.RoomID, &q.Number, &q.Subject, &q.SubjectID, &q.Card, &q.State, &q.OwnerID, &q.CreatedAt,
			&m.RoomID, &m.seq, &m.InquiryID, &m.party, &m.SenderID, &m.senderName, &m.kind, &m.body, &m.Card, &m.ClientMsgID, &m.createdAt,
			&e.BuyerDelivered, &e.BuyerRead, &e.ShopDelivered, &e.ShopRead, &e.BuyerReadOf, &e.ShopReadOf)
		m.fill()
		return err
	})
	return es, db.Fault(err)
}

// lastMessage takes the columns of a message that may not be there.
type lastMessage struct {
	*Message

	seq                           sql.NullInt64
	party, senderName, kind, body sql.NullString
	createdAt                     sql.NullTime
}

func (m *lastMessage) fill() {
	m.Seq, m.Party, m.SenderName, m.Kind, m.Body, m.CreatedAt = m.seq.Int64, m.party.String, m.senderName.String, m.kind.String, m.body.String, m.createdAt.Time
}

func (f Inbox) query() (string, []any) {
	var where []string
	var args []any
	add := func(cond string, vs ...any) {
		where = append(where, cond)
		args = append(args, vs...)
	}
	if f.BuyerID.IsZero() {
		add("r.shop_id = ?", f.ShopID)
		add("r.head > 0") // a buyer who has opened a talk and said nothing is no case for the shop
	} else {
		add("r.buyer_id = ?", f.BuyerID)
	}
	if f.Waiting {
		f.State = Waiting
	}
	if f.State != "" {
		add("r.state = ?", f.State)
	}
	if f.Unread {
		add(f.unread())
	}
	if !f.UpdatedAfter.IsZero() {
		add("r.updated_at > ?", f.UpdatedAfter.UTC())
	}
	sort, op, dir := "r.updated_at", "<", " DESC"
	if f.Waiting {
		add("r.waiting_since IS NOT NULL") // lets the index pass over the rooms that wait for nothing
		sort, op, dir = "r.waiting_since", ">", ""
	}
	if !f.AfterID.IsZero() {
		at := f.AfterTime.UTC()
		// The first condition lets the index begin at the cursor; the second cuts what the first page had of that moment.
		add(sort+" "+op+"= ?", at)
		add("("+sort+" "+op+" ? OR r.id "+op+" ?)", at, f.AfterID)
	}
	args = append(args, f.Limit)
	conditions, order := strings.Join(where, " AND "), " ORDER BY "+sort+dir+", r.id"+dir
	if f.Unread { // only what the cursors say tells which rooms make the page
		return entryColumns + "FROM chat_rooms r\n" + entryJoins + "WHERE " + conditions + order + " LIMIT ?", args
	}
	page := "SELECT r.id FROM chat_rooms r WHERE " + conditions + order + " LIMIT ?" // from the index alone, for a shop
	return entryColumns + "FROM (" + page + ") p JOIN chat_rooms r ON r.id = p.id\n" + entryJoins + order[1:], args
}

func (f Inbox) unread() string {
	if f.BuyerID.IsZero() {
		return "r.buyer_count > COALESCE(sm.buyer_count, 0)"
	}
	return "r.shop_count > COALESCE(bm.shop_count, 0)"
}
