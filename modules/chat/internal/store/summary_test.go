package store_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// addedUp reads every room of a shop: what a summary must say.
func addedUp(t testing.TB, d *db.DB, shop id.ID) (sum store.Summary) {
	t.Helper()
	const diff = "(r.buyer_count - COALESCE(m.buyer_count, 0))"
	err := d.Read(t.Context()).Raw(`SELECT COALESCE(SUM(`+diff+`), 0) AS unread, COALESCE(SUM(CASE WHEN `+diff+` > 0 THEN 1 ELSE 0 END), 0) AS unread_rooms,
 COALESCE(SUM(CASE WHEN r.state = 'waiting' THEN 1 ELSE 0 END), 0) AS waiting, COALESCE(SUM(CASE WHEN r.state = 'open' THEN 1 ELSE 0 END), 0) AS open,
 COALESCE(SUM(CASE WHEN r.state = 'held' THEN 1 ELSE 0 END), 0) AS held, COALESCE(SUM(CASE WHEN r.state = 'done' THEN 1 ELSE 0 END), 0) AS done
FROM chat_rooms r JOIN chat_cursors c ON c.room_id = r.id AND c.party = 'shop'
LEFT JOIN chat_messages m ON m.room_id = r.id AND m.seq = c.read_seq WHERE r.shop_id = ? AND r.head > 0`, shop).Scan(&sum).Error
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// Whatever happens to a shop's rooms on any instance, each instance's summary is what all rooms amount to.
func TestASummaryIsWhatAllRoomsAmountTo(t *testing.T) {
	onBoth(t, func(t *testing.T, here *store.Store, d *db.DB) {
		there, shop := store.New(d), id.New()
		dice := rand.New(rand.NewPCG(1, 2))
		var rooms []store.Room
		for range 12 {
			rooms = append(rooms, openRoom(t, here, id.New(), shop))
		}
		openRoom(t, here, id.New(), shop) // of which nothing has been said
		heads := map[id.ID]int64{}
		states := []string{store.Open, store.Held, store.Done}
		for step := range 150 {
			r := rooms[dice.IntN(len(rooms))]
			switch dice.IntN(6) {
			case 0, 1:
				appendAll(t, there, draft(r.ID, r.BuyerID, store.Buyer, "?"))
				heads[r.ID]++
			case 2:
				appendAll(t, here, draft(r.ID, id.New(), store.Shop, "!"))
				heads[r.ID]++
			case 3, 4:
				if head := heads[r.ID]; head > 0 {
					read := 1 + dice.Int64N(head)
					if _, _, err := moveOne(t, there, store.Move{Room: r.ID, Member: shop, Party: store.Shop, Buyer: r.BuyerID, Shop: shop, Delivered: head, Read: read}); err != nil {
						t.Fatal(err)
					}
				}
			case 5:
				before := heads[r.ID]
				out := appendAll(t, there, change(r, r.InquiryID, states[dice.IntN(3)]))
				heads[r.ID] = max(before, out[0].Message.Seq) // a notice, if it tells one
			}
			if err := errors.Join(here.Prove(t.Context(), shop), there.Prove(t.Context(), shop)); err != nil {
				t.Fatal(err)
			}
			if step == 100 { // another epoch: what is remembered of the old one is of no use
				if _, err := there.RenewEpoch(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			want := addedUp(t, d, shop)
			for name, s := range map[string]*store.Store{"one instance": here, "another": there, "one that has just started": store.New(d)} {
				if got, err := s.Summary(t.Context(), id.Nil, shop); err != nil || got != want {
					t.Fatalf("step %d, %s: %+v, %v, want %+v", step, name, got, err, want)
				}
			}
		}
	})
}

// A look costs the index's entries of the shop and the rooms that may have something unread, not all rooms' rows.
func TestPlansOfASummary(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		d := testservers.Open(t, testservers.MySQL(t))
		s, shop := store.New(d), id.New()
		var rooms []id.ID
		for i := range 200 {
			sh := shop
			if i%4 == 0 {
				sh = id.New()
			}
			r := openRoom(t, s, id.New(), sh)
			appendAll(t, s, draft(r.ID, r.BuyerID, store.Buyer, "?"))
			rooms = append(rooms, r.ID)
		}
		for _, table := range []string{"chat_rooms", "chat_messages", "chat_cursors"} {
			if err := d.Write(t.Context()).Exec("ANALYZE TABLE " + table).Error; err != nil {
				t.Fatal(err)
			}
		}
		states, changed, among, all := s.SummaryQueries(shop, rooms[:5])
		for _, tc := range []struct {
			name, query, key string
			index            bool
		}{
			{"states", states, "chat_rooms_shop_recent", true},
			{"changed rooms", changed, "chat_rooms_shop_recent", true},
			{"unread among some", among, "PRIMARY", false},
			{"unread of all", all, "chat_rooms_shop_recent", true},
		} {
			plan := testservers.Explain(t, d, tc.query)
			if first := plan[0]; first.Key != tc.key || first.Type == "ALL" || tc.index && !strings.Contains(first.Extra, "Using index") {
				t.Errorf("%s: it goes by %q (%s): %+v", tc.name, first.Key, first.Type, plan)
			}
			for _, s := range plan[1:] {
				if s.Type != "eq_ref" {
					t.Errorf("%s: table %s is joined by %s: %+v", tc.name, s.Table, s.Type, plan)
				}
			}
		}
	})
}

// BenchmarkSummary is a look at a shop of a hundred thousand rooms, fifty of them unread: as every instance does it, as
// one that has just started does, and by adding up all rooms.
func BenchmarkSummary(b *testing.B) {
	d := testservers.Open(b, testservers.MySQL(b))
	s, shop := store.New(d), id.New()
	const rooms, at = 100_000, 1000
	long := s.Now().Add(-time.Hour)
	for first := 0; first < rooms; first += at {
		openings := make([]store.Opening, at)
		for i := range openings {
			openings[i] = store.Opening{BuyerID: id.New(), ShopID: shop, Subject: "general"}
		}
		ids, err := s.CreateRooms(b.Context(), openings)
		if err != nil {
			b.Fatal(err)
		}
		ds := make([]store.Draft, at)
		for i := range ds {
			ds[i] = draft(ids[i], openings[i].BuyerID, store.Buyer, "?")
		}
		if _, err := s.Append(b.Context(), ds, true); err != nil {
			b.Fatal(err)
		}
	}
	for _, change := range []string{
		"UPDATE chat_cursors SET read_seq = 1, delivered_seq = 1 WHERE party = 'shop'",
		"UPDATE chat_cursors SET read_seq = 0 WHERE party = 'shop' ORDER BY room_id LIMIT 50",
		"UPDATE chat_rooms SET updated_at = '" + long.Format("2006-01-02 15:04:05") + "'",
		"ANALYZE TABLE chat_rooms, chat_cursors, chat_messages",
	} {
		if _, err := d.SQL().ExecContext(b.Context(), change); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Prove(b.Context(), shop); err != nil {
		b.Fatal(err)
	}
	look := func(s *store.Store) {
		if sum, err := s.Summary(b.Context(), id.Nil, shop); err != nil || sum.Unread != 50 || sum.Waiting != rooms {
			b.Fatalf("%+v, %v", sum, err)
		}
	}
	measure := func(name string, do func()) {
		b.Run(name, func(b *testing.B) {
			do()
			before := serverCPU(b, d)
			for b.Loop() {
				do()
			}
			b.ReportMetric(float64(serverCPU(b, d)-before)/float64(time.Millisecond)/float64(b.N), "db-cpu-ms/op")
		})
	}
	measure("again", func() { look(s) })
	measure("first", func() { look(store.New(d)) })
	measure("all", func() { addedUp(b, d, shop) })
}
