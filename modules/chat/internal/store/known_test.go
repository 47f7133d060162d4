package store_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

// A known message is missing where nothing has its number, or another message has.
func TestMissing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		r := openRoom(t, s, id.New(), id.New())
		var known []store.Known
		for range 3 {
			m := appendAll(t, s, draft(r.ID, r.BuyerID, store.Buyer, "?"))[0].Message
			keyed := store.Known{Room: r.ID, Seq: m.Seq, Key: m.ClientMsgID}
			known = append(known, keyed, store.Known{Room: r.ID, Seq: m.Seq})
		}
		want := []store.Known{
			{Room: r.ID, Seq: 2, Key: id.New()}, {Room: r.ID, Seq: 4}, {Room: r.ID, Seq: 5, Key: id.New()},
			{Room: id.New(), Seq: 1},
		}
		got, err := s.Missing(t.Context(), append(known, want...))
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("missing %v, %v; want %v", got, err, want)
		}
		if got, err := s.Missing(t.Context(), nil); err != nil || got != nil {
			t.Errorf("of nothing: %v, %v", got, err)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if got, err := s.Missing(ended, known); err == nil {
			t.Errorf("a database that does not answer has lost %v", got)
		}
	})
}

// Each known message is one row of the primary key, however many there are.
func TestPlanOfMissing(t *testing.T) {
	testservers.EveryServer(t, func(t *testing.T) {
		d := testservers.Open(t, testservers.MySQL(t))
		s := store.New(d)
		var known []store.Known
		for range 64 {
			r := openRoom(t, s, id.New(), id.New())
			for range 16 {
				m := appendAll(t, s, draft(r.ID, r.BuyerID, store.Buyer, "?"))[0].Message
				if m.Seq > 14 {
					known = append(known, store.Known{Room: r.ID, Seq: m.Seq, Key: m.ClientMsgID})
				}
			}
		}
		if err := d.Write(t.Context()).Exec("ANALYZE TABLE chat_messages").Error; err != nil {
			t.Fatal(err)
		}
		plan := testservers.Explain(t, d, s.KnownQuery(known))
		if len(plan) != 1 || plan[0].Key != "PRIMARY" || plan[0].Type != "range" {
			t.Errorf("%d rows are read so: %+v", len(known), plan)
		}
	})
}
