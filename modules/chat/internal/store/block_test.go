package store_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

func block(r store.Room, party string, on bool) store.Draft {
	d := draft(r.ID, store.SystemSender, store.System, party+map[bool]string{true: "_blocked", false: "_unblocked"}[on])
	d.Kind = "notice"
	d.Block = &store.BlockChange{Party: party, Member: r.BuyerID, On: on}
	return d
}

// What comes before a block in a batch is stored, what comes after it is not, whoever sends it; what was stored before is
// answered as stored, and the mall itself is heard.
func TestNobodyWritesInABlockedRoom(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, d *db.DB) {
		r := openRoom(t, s, id.New(), id.New())
		first := draft(r.ID, r.BuyerID, store.Buyer, "1")
		out := appendAll(t, s, first, block(r, store.Buyer, true), draft(r.ID, id.New(), store.Shop, "?"), draft(r.ID, r.BuyerID, store.Buyer, "?"), block(r, store.Buyer, true))
		for i, seq := range []int64{1, 2, 0, 0, 0} {
			if out[i].Message.Seq != seq {
				t.Errorf("draft %d has seq %d, want %d", i, out[i].Message.Seq, seq)
			}
		}
		if fault.CodeOf(out[2].Err) != "blocked" || fault.CodeOf(out[3].Err) != "blocked" || out[4].Err != nil {
			t.Errorf("answers %v, %v, %v", out[2].Err, out[3].Err, out[4].Err)
		}
		out = appendAll(t, s, first, draft(r.ID, id.New(), store.Shop, "?"), change(r, r.InquiryID, store.Done), block(r, store.Shop, true), block(r, store.Buyer, false), draft(r.ID, r.BuyerID, store.Buyer, "?"))
		if !out[0].Dup || out[0].Message.Seq != 1 || fault.CodeOf(out[1].Err) != "blocked" || out[2].Message.Seq != 3 || fault.CodeOf(out[5].Err) != "blocked" {
			t.Errorf("in a blocked room: %+v", out)
		}
		entries, err := s.Entry(t.Context(), r.ID)
		if err != nil || !entries[0].Room.BlockedBy(store.Shop) || entries[0].Room.BlockedBy(store.Buyer) {
			t.Errorf("%+v, %v", entries, err)
		}
		var rows int
		if err := d.SQL().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM chat_blocks WHERE party = 'shop'").Scan(&rows); err != nil || rows != 1 {
			t.Errorf("%d rows, %v", rows, err)
		}
		opened, err := s.OpenRoom(t.Context(), store.Opening{BuyerID: r.BuyerID, ShopID: r.ShopID, Subject: "product", SubjectID: id.New()})
		if err != nil || opened.New || opened.Room.ID != r.ID || opened.Room.Inquiries != r.Inquiries {
			t.Errorf("a blocked room is opened: %+v, %v", opened, err)
		}
		out = appendAll(t, s, block(r, store.Shop, false), draft(r.ID, r.BuyerID, store.Buyer, "2"))
		if out[1].Err != nil || out[1].Message.Seq != 7 {
			t.Errorf("unblocked: %+v", out[1])
		}
	})
}

func TestReportsOfADayHaveALimit(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		who, room := id.New(), id.New()
		report := func() store.Report {
			return store.Report{ReporterID: who, ClientID: id.New(), Party: store.Buyer, RoomID: room, ReportedShopID: id.New(), Reason: "spam", Text: "광고"}
		}
		const most = 5
		var kept, refused atomic.Int32
		var wait sync.WaitGroup
		for range 3 * most {
			wait.Go(func() {
				switch _, _, err := s.AddReport(t.Context(), report(), most); {
				case err == nil:
					kept.Add(1)
				case fault.KindOf(err) == fault.RateLimited:
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if kept.Load() != most || refused.Load() != 2*most {
			t.Errorf("%d kept, %d refused at once", kept.Load(), refused.Load())
		}
		who = id.New()
		again := report()
		one, dup, err := s.AddReport(t.Context(), again, most)
		if err != nil || dup {
			t.Error(err)
		}
		two, dup, err := s.AddReport(t.Context(), again, most)
		if err != nil || !dup || two.ID != one.ID {
			t.Errorf("the same again: %+v, %v, %v", two, dup, err)
		}
	})
}

// Whatever the program has been persuaded to write, the tables hold the mall's own words only.
func TestTheDatabaseRefusesWordsThatAreNotItsOwn(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, d *db.DB) {
		r := openRoom(t, s, id.New(), id.New())
		appendAll(t, s, draft(r.ID, r.BuyerID, store.Buyer, "1"), block(r, store.Buyer, true))
		if _, _, err := s.MoveCursors(t.Context(), []store.Move{{Room: r.ID, Member: r.BuyerID, Party: store.Buyer, Buyer: r.BuyerID, Shop: r.ShopID, Delivered: 1}}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.AddReport(t.Context(), store.Report{ReporterID: r.BuyerID, ClientID: id.New(), Party: store.Buyer, RoomID: r.ID, Reason: "spam"}, 1); err != nil {
			t.Fatal(err)
		}
		for _, set := range []string{
			"chat_rooms SET state = 'hacked!'", "chat_rooms SET blocks = 4", "chat_inquiries SET state = 'OPEN'", "chat_inquiries SET subject = 'x'", "chat_messages SET kind = 'html'",
			"chat_messages SET party = 'mall'", "chat_cursors SET party = 'x'", "chat_member_cursors SET party = 'x'", "chat_blocks SET party = 'system'",
			"chat_reports SET reason = 'x'", "chat_reports SET party = 'system'", "chat_reports SET number = 0",
		} {
			if _, err := d.SQL().ExecContext(t.Context(), "UPDATE "+set); err == nil {
				t.Errorf("taken: UPDATE %s", set)
			}
		}
		if _, err := s.OpenRoom(t.Context(), store.Opening{BuyerID: id.New(), ShopID: r.ShopID, Subject: "hacked"}); err == nil {
			t.Error("an inquiry about something else was opened")
		}
	})
}
