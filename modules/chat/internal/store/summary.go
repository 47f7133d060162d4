package store

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"mall/modules/platform/id"
)

// Summary is what a party's whole inbox amounts to.
type Summary struct {
	Unread, UnreadRooms       int64
	Waiting, Open, Held, Done int64
}

// Whose rooms are meant.
const (
	ofBuyer = "buyer_id = "
	ofShop  = "shop_id = "
)

// Summary adds up a party's rooms. Exactly one of buyer and shop is set. A buyer has few rooms. Of a shop's, which may be
// very many, the states are counted from the index alone, and what is unread only in the rooms that may have it.
func (s *Store) Summary(ctx context.Context, buyer, shop id.ID) (Summary, error) {
	var sum Summary
	own, party, owner := ofBuyer, Buyer, buyer
	if buyer.IsZero() {
		own, party, owner = ofShop, Shop, shop
	}
	err := s.countStates(ctx, s.statesOf(own, owner), &sum)
	if err != nil {
		return sum, err
	}
	if party == Buyer {
		_, err = s.unread(ctx, s.unreadOf(party).raw("r.").raw(own).id(owner), &sum)
		return sum, err
	}
	err = s.shopUnread(ctx, shop, &sum)
	return sum, err
}

// statesOf counts rooms by state; for a shop a stretch of chat_rooms_shop_recent answers alone. Without GROUP BY: that would
// fill a temporary table.
func (s *Store) statesOf(own string, owner id.ID) *statement {
	q := s.statement("SELECT COUNT(CASE WHEN state = 'waiting' THEN 1 END), COUNT(CASE WHEN state = 'open' THEN 1 END)," +
		" COUNT(CASE WHEN state = 'held' THEN 1 END), COUNT(CASE WHEN state = 'done' THEN 1 END) FROM chat_rooms WHERE ").raw(own).id(owner)
	if own == ofShop {
		q.raw(" AND head > 0") // a buyer who has opened a talk and said nothing is no case for the shop
	}
	return q
}

func (s *Store) countStates(ctx context.Context, q *statement, sum *Summary) error {
	return s.query(ctx, q, func(rows *sql.Rows) error {
		return rows.Scan(&sum.Waiting, &sum.Open, &sum.Held, &sum.Done)
	})
}

// unreadOf begins a statement that gives the rooms in which the party has something unread, and how much. A room whose
// head the party has read is passed over before its row, or a message, is looked at: servers are told to keep the order of
// the tables, since MySQL would rather read all cursors for a shop that has most of the rooms.
func (s *Store) unreadOf(party string) *statement {
	theirs := "shop_count"
	if party == Shop {
		theirs = "buyer_count"
	}
	begin := "SELECT STRAIGHT_JOIN"
	if s.isSQLite() {
		begin = "SELECT"
	}
	return s.statement(begin + " r.id, x." + theirs + " - COALESCE(m." + theirs + ", 0) FROM chat_rooms r" +
		" JOIN chat_cursors c ON c.room_id = r.id AND c.party = '" + party + "' AND c.read_seq < r.head" +
		" JOIN chat_rooms x ON x.id = r.id" +
		" LEFT JOIN chat_messages m ON m.room_id = r.id AND m.seq = c.read_seq" +
		" WHERE x." + theirs + " > COALESCE(m." + theirs + ", 0) AND ")
}

func (s *Store) unread(ctx context.Context, q *statement, sum *Summary) (rooms []id.ID, err error) {
	sum.Unread, sum.UnreadRooms = 0, 0
	err = s.query(ctx, q, func(rows *sql.Rows) error {
		var room id.ID
		var n int64
		if err := rows.Scan(&room, &n); err != nil {
			return err
		}
		rooms = append(rooms, room)
		sum.Unread += n
		sum.UnreadRooms++
		return nil
	})
	return rooms, err
}

// unreadMemory knows of shops which rooms had something unread at a moment. Only those, and rooms that have changed
// since, can have it now: cursors only grow. What is unread in them is counted from the sequence numbers every time,
// so nothing can drift; the memory says where to look, not what is there.
type unreadMemory struct {
	mu    sync.Mutex
	shops map[id.ID]unreadShop
}

type unreadShop struct {
	rooms []id.ID
	seen  Mark      // how far changes have been looked for
	full  time.Time // when all rooms were looked at
	epoch string
}

const (
	unreadShops = 1000             // remembered
	unreadRooms = 2000             // of one shop; with more, all are looked at every time
	unreadFull  = 10 * time.Minute // all rooms are looked at again, whatever is remembered
)

// shopUnread counts what a shop has not read.
func (s *Store) shopUnread(ctx context.Context, shop id.ID, sum *Summary) error {
	epoch, err := s.epoch(ctx) // a restore takes cursors back: nothing is known of that epoch
	if err != nil {
		return err
	}
	proven := s.Proven() // before the look
	now, err := s.Clock(ctx)
	if err != nil {
		return err
	}
	before, known := s.unreads.of(shop)
	if !known || before.epoch != epoch || time.Since(before.full) > unreadFull {
		before = unreadShop{full: time.Now(), epoch: epoch}
		before.rooms, err = s.unread(ctx, s.allUnread(shop), sum)
	} else {
		var changed []id.ID
		if changed, err = s.changedRooms(ctx, shop, before.seen.Since(now)); err != nil {
			return err
		}
		before.rooms, err = s.unreadAmong(ctx, union(before.rooms, changed), sum)
	}
	if err != nil {
		return err
	}
	before.seen = before.seen.After(now, proven)
	s.unreads.keep(shop, before)
	return nil
}

func (s *Store) allUnread(shop id.ID) *statement {
	return s.unreadOf(Shop).raw("r.shop_id = ").id(shop).raw(" AND r.head > 0")
}

func (s *Store) changedOf(shop id.ID, since time.Time) *statement {
	return s.statement("SELECT id FROM chat_rooms WHERE shop_id = ").id(shop).raw(" AND updated_at > ").at(since)
}

func (s *Store) changedRooms(ctx context.Context, shop id.ID, since time.Time) (found []id.ID, err error) {
	err = s.query(ctx, s.changedOf(shop, since), func(rows *sql.Rows) error {
		var room id.ID
		err := rows.Scan(&room)
		found = append(found, room)
		return err
	})
	return found, err
}

func (s *Store) unreadAmong(ctx context.Context, rooms []id.ID, sum *Summary) ([]id.ID, error) {
	if len(rooms) == 0 {
		return nil, nil
	}
	return s.unread(ctx, s.unreadOf(Shop).raw("r.id IN ").list(rooms), sum)
}

func union(a, b []id.ID) []id.ID {
	seen := make(map[id.ID]struct{}, len(a)+len(b))
	all := make([]id.ID, 0, len(a)+len(b))
	for _, part := range [][]id.ID{a, b} {
		for _, x := range part {
			if _, has := seen[x]; !has {
				seen[x] = struct{}{}
				all = append(all, x)
			}
		}
	}
	return all
}

func (m *unreadMemory) of(shop id.ID) (unreadShop, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x, known := m.shops[shop]
	return x, known
}

// keep remembers a look. One that ends late, after others that began after it, only lets the next look further back. What is
// too much is forgotten: that costs a full look.
func (m *unreadMemory) keep(shop id.ID, x unreadShop) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shops == nil {
		m.shops = map[id.ID]unreadShop{}
	}
	switch _, known := m.shops[shop]; {
	case len(x.rooms) > unreadRooms || !x.seen.Begun():
		delete(m.shops, shop)
	case !known && len(m.shops) >= unreadShops:
		for other := range m.shops {
			delete(m.shops, other)
			break
		}
		fallthrough
	default:
		m.shops[shop] = x
	}
}
