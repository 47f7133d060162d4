package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
)

func onBoth(t *testing.T, run func(t *testing.T, s *store.Store, d *db.DB)) {
	t.Helper()
	testservers.EveryDatabase(t, func(t *testing.T, d *db.DB) { run(t, store.New(d), d) })
}

func openRoom(t *testing.T, s *store.Store, buyer, shop id.ID) store.Room {
	t.Helper()
	o, err := s.OpenRoom(t.Context(), store.Opening{BuyerID: buyer, ShopID: shop, Subject: "general"})
	if err != nil {
		t.Fatal(err)
	}
	return o.Room
}

func draft(room, sender id.ID, party, body string) store.Draft {
	return store.Draft{RoomID: room, Party: party, SenderID: sender, SenderName: "누구", Kind: "text", Body: body, ClientMsgID: id.New()}
}

func appendAll(t *testing.T, s *store.Store, ds ...store.Draft) []store.Outcome {
	t.Helper()
	out, err := s.Append(t.Context(), ds, false)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// change is a change of an inquiry's state, told as "from>to" when it ends or begins again.
func change(r store.Room, inquiry id.ID, state string) store.Draft {
	d := draft(r.ID, store.SystemSender, store.System, "")
	d.Kind, d.InquiryID = "notice", inquiry
	d.Change = &store.InquiryChange{State: &state, Notice: func(before, after string) string {
		if before == store.Done || after == store.Done {
			return before + ">" + after
		}
		return ""
	}}
	return d
}

func seqs(out []store.Outcome) []int64 {
	var ns []int64
	for _, o := range out {
		ns = append(ns, o.Message.Seq)
	}
	return ns
}

func TestOneRoomForAPairHoweverManyOpenIt(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		buyer, shop, product := id.New(), id.New(), id.New()
		card := `{"kind":"product","id":"` + product.String() + `","title":"머그컵"}`
		var wg sync.WaitGroup
		opened := make([]store.Opened, 12)
		errs := make([]error, len(opened))
		for i := range opened {
			wg.Go(func() {
				o := store.Opening{BuyerID: buyer, ShopID: shop, Subject: "product", SubjectID: product, Card: &card}
				opened[i], errs[i] = s.OpenRoom(t.Context(), o)
			})
		}
		wg.Wait()
		fresh := 0
		for i, o := range opened {
			if errs[i] != nil {
				t.Fatal(errs[i])
			}
			if o.Room.ID != opened[0].Room.ID || o.Inquiry.ID != opened[0].Inquiry.ID {
				t.Errorf("opening %d got another room or inquiry", i)
			}
			if o.New {
				fresh++
			}
		}
		if fresh != 1 {
			t.Errorf("%d openings say that they made something, want 1", fresh)
		}
		second, err := s.OpenRoom(t.Context(), store.Opening{BuyerID: buyer, ShopID: shop, Subject: "general"})
		if err != nil || second.Room.ID != opened[0].Room.ID || second.Inquiry.Number != 2 {
			t.Errorf("a second inquiry: %+v, %v", second.Inquiry, err)
		}
	})
}

func TestNumbersHaveNoGapWithManyWriters(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, d *db.DB) {
		rooms := []store.Room{openRoom(t, s, id.New(), id.New()), openRoom(t, s, id.New(), id.New()), openRoom(t, s, id.New(), id.New())}
		const writers, each = 6, 15
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for i := range each {
					var ds []store.Draft
					for _, r := range rooms {
						ds = append(ds, draft(r.ID, r.BuyerID, store.Buyer, fmt.Sprint(i)))
					}
					if _, err := s.Append(t.Context(), ds, false); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for _, r := range rooms {
			var ms []store.Message // with the counts, which nobody who reads the talk gets
			if err := d.Read(t.Context()).Raw("SELECT * FROM chat_messages WHERE room_id = ? ORDER BY seq", r.ID).Scan(&ms).Error; err != nil {
				t.Fatal(err)
			}
			now, err := s.Room(t.Context(), r.ID)
			if err != nil {
				t.Fatal(err)
			}
			if len(ms) != writers*each || now.Head != writers*each || now.BuyerCount != writers*each {
				t.Errorf("stored %d, head %d, count %d, want %d", len(ms), now.Head, now.BuyerCount, writers*each)
			}
			for i, m := range ms {
				if m.Seq != int64(i+1) || m.BuyerCount != m.Seq || m.ShopCount != 0 {
					t.Fatalf("message %d has seq %d and counts %d, %d", i, m.Seq, m.BuyerCount, m.ShopCount)
				}
			}
		}
	})
}

func TestARetryIsTheSameMessage(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		r := openRoom(t, s, id.New(), id.New())
		d := draft(r.ID, r.BuyerID, store.Buyer, "재고 있나요?")
		first := appendAll(t, s, d, d)
		if first[0].Dup || !first[1].Dup || first[1].Message.Seq != 1 {
			t.Errorf("the same key twice in one batch: %+v", first)
		}
		again := appendAll(t, s, d)
		if !again[0].Dup || !cmp.Equal(again[0].Message, first[0].Message) {
			t.Errorf("retry: %s", cmp.Diff(first[0].Message, again[0].Message))
		}
		other := d
		other.Body = "다른 말"
		if out := appendAll(t, s, other); fault.CodeOf(out[0].Err) != "client_msg_id_conflict" {
			t.Errorf("the key with another body: %v", out[0].Err)
		}
		capital := d
		capital.Body = "재고 있나요? "
		if out := appendAll(t, s, capital); fault.CodeOf(out[0].Err) != "client_msg_id_conflict" {
			t.Errorf("a body that a lax collation holds for equal: %v", out[0].Err)
		}
		if out := appendAll(t, s, draft(r.ID, r.BuyerID, store.Buyer, "다음")); out[0].Message.Seq != 2 {
			t.Errorf("the next message has seq %d, want 2", out[0].Message.Seq)
		}
		found, err := s.Find(t.Context(), []store.Draft{d, draft(r.ID, r.BuyerID, store.Buyer, "없음")})
		if err != nil || found[0].Message.Seq != 1 || fault.CodeOf(found[1].Err) != "unavailable" {
			t.Errorf("Find: %+v, %v", found, err)
		}
	})
}

// The key is unique in the database itself, whatever the code above it does.
func TestTheDatabaseRefusesASecondRowForAKey(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, d *db.DB) {
		r := openRoom(t, s, id.New(), id.New())
		m := appendAll(t, s, draft(r.ID, r.BuyerID, store.Buyer, "하나"))[0].Message
		m.Seq = 2
		if err := d.Write(t.Context()).Create(&m).Error; !db.IsDuplicate(err) {
			t.Errorf("a second row for a retry key: %v", err)
		}
		m.Seq, m.ClientMsgID = 1, id.New()
		if err := d.Write(t.Context()).Create(&m).Error; !db.IsDuplicate(err) {
			t.Errorf("a second row for a seq: %v", err)
		}
	})
}

func TestStateFollowsTheTalk(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		r := openRoom(t, s, id.New(), id.New())
		staff := id.New()
		step := func(o store.Outcome, state string, waits bool) {
			t.Helper()
			if o.Err != nil {
				t.Fatal(o.Err)
			}
			now, err := s.Room(t.Context(), r.ID)
			if err != nil {
				t.Fatal(err)
			}
			if now.State != state || (now.WaitingSince != nil) != waits {
				t.Errorf("state %s waiting %v, want %s %v", now.State, now.WaitingSince, state, waits)
			}
			qs, err := s.Inquiries(t.Context(), r.ID, 10)
			if err != nil || qs[0].State != state {
				t.Errorf("inquiry state %s, %v, want %s", qs[0].State, err, state)
			}
		}
		step(store.Outcome{}, store.Open, false)
		step(appendAll(t, s, draft(r.ID, r.BuyerID, store.Buyer, "계세요?"))[0], store.Waiting, true)
		asked, _ := s.Room(t.Context(), r.ID)
		step(appendAll(t, s, draft(r.ID, r.BuyerID, store.Buyer, "저기요"))[0], store.Waiting, true)
		if again, _ := s.Room(t.Context(), r.ID); !again.WaitingSince.Equal(*asked.WaitingSince) {
			t.Error("a second question makes the wait begin anew")
		}
		step(appendAll(t, s, draft(r.ID, staff, store.Shop, "네"))[0], store.Open, false)
		end := appendAll(t, s, change(r, r.InquiryID, store.Done))[0]
		step(end, store.Done, false)
		if end.Message.Seq != 4 || end.Message.Body != "open>done" || end.Message.Party != store.System {
			t.Errorf("notice %+v", end.Message)
		}
		step(appendAll(t, s, draft(r.ID, r.BuyerID, store.Buyer, "하나 더요"))[0], store.Waiting, true)
		more, _ := s.Room(t.Context(), r.ID)
		for _, state := range []string{store.Done, store.Waiting} { // put away, and taken back
			if o := appendAll(t, s, change(r, r.InquiryID, state))[0]; o.Err != nil {
				t.Fatal(o.Err)
			}
		}
		if back, _ := s.Room(t.Context(), r.ID); back.State != store.Waiting || !back.WaitingSince.Equal(*more.WaitingSince) {
			t.Errorf("taken back it waits since %v, want %v", back.WaitingSince, more.WaitingSince)
		}
		if o := appendAll(t, s, change(r, id.New(), store.Done))[0]; fault.KindOf(o.Err) != fault.NotFound {
			t.Errorf("a foreign inquiry: %v", o.Err)
		}
	})
}

// Opening another subject asks nothing: the room's state stays what the talk made it, and an answer is one to
// everything that was asked.
func TestOpeningASubjectAsksNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		buyer, shop, mug, lamp := id.New(), id.New(), id.New(), id.New()
		open := func(product id.ID) store.Opened {
			t.Helper()
			o, err := s.OpenRoom(t.Context(), store.Opening{BuyerID: buyer, ShopID: shop, Subject: "product", SubjectID: product})
			if err != nil {
				t.Fatal(err)
			}
			return o
		}
		first := open(mug)
		room := first.Room.ID
		appendAll(t, s, draft(room, buyer, store.Buyer, "머그컵 있나요?"))
		if o := open(lamp); o.Room.State != store.Waiting {
			t.Errorf("asked and not answered: %s", o.Room.State)
		}
		appendAll(t, s, draft(room, id.New(), store.Shop, "네"))
		if o := open(mug); o.Room.State != store.Open || o.Inquiry.State != store.Open {
			t.Errorf("answered: room %s, inquiry %s", o.Room.State, o.Inquiry.State)
		}
		if o := appendAll(t, s, change(first.Room, first.Inquiry.ID, store.Done))[0]; o.Err != nil {
			t.Fatal(o.Err)
		}
		if o := open(lamp); o.Room.State != store.Open {
			t.Errorf("another subject beside a closed one: %s", o.Room.State)
		}
		if o := open(mug); o.Room.State != store.Done {
			t.Errorf("the closed one looked at again: %s", o.Room.State)
		}
	})
}

// An inquiry's change and its notice are one: the same change again changes nothing and says nothing.
func TestAChangeIsToldOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		r := openRoom(t, s, id.New(), id.New())
		owned := change(r, r.InquiryID, store.Done)
		agent := id.New()
		owned.Change.Owner = &agent
		first, again := appendAll(t, s, owned)[0], appendAll(t, s, change(r, r.InquiryID, store.Done))[0]
		if first.Message.Seq != 1 || again.Err != nil || again.Message.Seq != 0 {
			t.Errorf("first %+v, again %+v", first, again)
		}
		before, _ := s.Room(t.Context(), r.ID)
		if o := appendAll(t, s, owned)[0]; o.Err != nil || o.Message.Seq != 0 {
			t.Errorf("the same draft again: %+v", o)
		}
		if found, err := s.Find(t.Context(), []store.Draft{owned}); err != nil || found[0].Message.Seq != 1 {
			t.Errorf("the change by its key: %+v, %v", found, err)
		}
		after, _ := s.Room(t.Context(), r.ID)
		qs, err := s.Inquiries(t.Context(), r.ID, 1)
		if err != nil || after != before || after.Head != 1 || after.State != store.Done || qs[0].OwnerID != agent {
			t.Errorf("room %+v, before %+v; inquiry %+v, %v", after, before, qs, err)
		}
		held := appendAll(t, s, change(r, r.InquiryID, store.Waiting), change(r, r.InquiryID, store.Held))
		if held[0].Message.Seq != 2 || held[1].Err != nil || held[1].Message.Seq != 0 {
			t.Errorf("held %+v", held)
		}
		if now, _ := s.Room(t.Context(), r.ID); now.State != store.Held || now.Head != 2 || now.WaitingSince == nil || now.UpdatedAt.Equal(after.UpdatedAt) {
			t.Errorf("a change without a notice leaves %+v", now)
		}
	})
}

// Changes stand among the messages of their batch, in its order, also those of inquiries that are not the current one.
func TestChangesAmongMessages(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		buyer, shop := id.New(), id.New()
		r := openRoom(t, s, buyer, shop)
		mug, err := s.OpenRoom(t.Context(), store.Opening{BuyerID: buyer, ShopID: shop, Subject: "product", SubjectID: id.New()})
		if err != nil {
			t.Fatal(err)
		}
		other := openRoom(t, s, id.New(), id.New())
		question := draft(r.ID, buyer, store.Buyer, "?")
		question.InquiryID = r.InquiryID // turns back to the general inquiry
		out := appendAll(t, s,
			change(r, mug.Inquiry.ID, store.Done), question, change(r, mug.Inquiry.ID, store.Held), change(r, r.InquiryID, store.Done),
			change(r, other.InquiryID, store.Done), draft(other.ID, other.BuyerID, store.Buyer, "!"))
		if out[0].Message.Body != "open>done" || out[2].Message.Body != "done>held" || out[3].Message.Body != "waiting>done" ||
			fault.KindOf(out[4].Err) != fault.NotFound || !cmp.Equal(seqs(out), []int64{1, 2, 3, 4, 0, 1}) {
			t.Errorf("%v: %+v", seqs(out), out)
		}
		states := map[id.ID]string{}
		qs, err := s.Inquiries(t.Context(), r.ID, 10)
		for _, q := range qs {
			states[q.ID] = q.State
		}
		now, _ := s.Room(t.Context(), r.ID)
		if err != nil || states[mug.Inquiry.ID] != store.Held || states[r.InquiryID] != store.Done || now.InquiryID != r.InquiryID || now.Head != 4 {
			t.Errorf("states %v, room %+v, %v", states, now, err)
		}
	})
}

// Whatever would refuse a draft today, its key is looked for first: what is stored is answered as stored.
func TestARetryIsNotRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		r, other := openRoom(t, s, id.New(), id.New()), openRoom(t, s, id.New(), id.New())
		appendAll(t, s, draft(r.ID, r.BuyerID, store.Buyer, "질문"))
		head := int64(1)
		reply := draft(r.ID, id.New(), store.Shop, "답")
		reply.ExpectSeq = &head
		first := appendAll(t, s, reply, draft(r.ID, id.New(), store.Shop, "동료의 답"))[0]
		today := fault.New(fault.Invalid, "too_long", "Too long.")
		refused := reply
		refused.Refusal = today
		foreign := reply
		foreign.ExpectSeq, foreign.InquiryID = nil, other.InquiryID
		for name, again := range map[string]store.Draft{"stale": reply, "refused by a rule": refused, "about an unknown inquiry": foreign} {
			for _, ds := range [][]store.Draft{{again}, {again, draft(r.ID, r.BuyerID, store.Buyer, "또"), again}} {
				for i, o := range appendAll(t, s, ds...) {
					if i != 1 && (o.Err != nil || !o.Dup || o.Message.Seq != first.Message.Seq) {
						t.Errorf("%s, %d of %d: %+v", name, i, len(ds), o)
					}
				}
			}
			again.Body = "다른 답"
			if o := appendAll(t, s, again)[0]; fault.CodeOf(o.Err) != "client_msg_id_conflict" {
				t.Errorf("%s, with another body: %+v", name, o)
			}
		}
		fresh := draft(r.ID, r.BuyerID, store.Buyer, "새 글")
		fresh.Refusal = today
		before, _ := s.Room(t.Context(), r.ID)
		if o := appendAll(t, s, fresh)[0]; o.Err != error(today) { //nolint:errorlint // the refusal itself
			t.Errorf("a new one is refused: %+v", o)
		}
		if after, _ := s.Room(t.Context(), r.ID); after.Head != before.Head {
			t.Errorf("head %d, want %d", after.Head, before.Head)
		}
	})
}

func TestInquiryOfAnotherRoomIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		r, other := openRoom(t, s, id.New(), id.New()), openRoom(t, s, id.New(), id.New())
		d := draft(r.ID, r.BuyerID, store.Buyer, "?")
		d.InquiryID = other.InquiryID
		out := appendAll(t, s, d, draft(r.ID, r.BuyerID, store.Buyer, "!"))
		if fault.KindOf(out[0].Err) != fault.Invalid || out[1].Message.Seq != 1 {
			t.Errorf("got %v and seq %d", out[0].Err, out[1].Message.Seq)
		}
	})
}

// A batch that turns to another inquiry and back: the one that was current when the room was locked is still the room's.
func TestABatchTurnsBackToTheCurrentInquiry(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		buyer, shop := id.New(), id.New()
		r := openRoom(t, s, buyer, shop)
		mug, err := s.OpenRoom(t.Context(), store.Opening{BuyerID: buyer, ShopID: shop, Subject: "product", SubjectID: id.New()})
		if err != nil {
			t.Fatal(err)
		}
		about := func(inquiry id.ID) store.Draft {
			d := draft(r.ID, buyer, store.Buyer, "?")
			d.InquiryID = inquiry
			return d
		}
		out := appendAll(t, s, about(r.InquiryID), about(mug.Inquiry.ID), about(r.InquiryID))
		for i, want := range []id.ID{r.InquiryID, mug.Inquiry.ID, r.InquiryID} {
			if out[i].Err != nil || out[i].Message.InquiryID != want || out[i].Message.Seq != int64(i+1) {
				t.Errorf("message %d: %+v", i, out[i])
			}
		}
	})
}

func TestStaleReplyIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		r := openRoom(t, s, id.New(), id.New())
		one, two := id.New(), id.New()
		appendAll(t, s, draft(r.ID, r.BuyerID, store.Buyer, "질문"))
		reply := func(staff id.ID, expect int64) store.Outcome {
			d := draft(r.ID, staff, store.Shop, "답")
			d.ExpectSeq = &expect
			return appendAll(t, s, d)[0]
		}
		if o := reply(one, 1); o.Err != nil {
			t.Fatal(o.Err)
		}
		if o := reply(two, 1); fault.CodeOf(o.Err) != "stale" || o.Head != 2 {
			t.Errorf("a colleague has answered: %v head %d", o.Err, o.Head)
		}
		if o := reply(one, 1); o.Err != nil {
			t.Errorf("one's own answer is no colleague's: %v", o.Err)
		}
		appendAll(t, s, draft(r.ID, r.BuyerID, store.Buyer, "또 질문"))
		if o := reply(two, 3); o.Err != nil {
			t.Errorf("only the buyer has written since: %v", o.Err)
		}
		expect := int64(5)
		d1, d2 := draft(r.ID, one, store.Shop, "가"), draft(r.ID, two, store.Shop, "나")
		d1.ExpectSeq, d2.ExpectSeq = &expect, &expect
		out := appendAll(t, s, d1, d2)
		if out[0].Err != nil || fault.CodeOf(out[1].Err) != "stale" {
			t.Errorf("two answers in one batch: %v, %v", out[0].Err, out[1].Err)
		}
	})
}

func TestALockedRoomDelaysOnlyItself(t *testing.T) {
	d := testservers.Open(t, testservers.MySQL(t))
	s := store.New(d)
	held, free := openRoom(t, s, id.New(), id.New()), openRoom(t, s, id.New(), id.New())
	err := d.Tx(t.Context(), func(ctx context.Context) error {
		if err := d.Write(ctx).Exec("SELECT id FROM chat_rooms WHERE id = ? FOR UPDATE", held.ID).Error; err != nil {
			return err
		}
		out, err := s.Append(t.Context(), []store.Draft{draft(held.ID, held.BuyerID, store.Buyer, "a"), draft(free.ID, free.BuyerID, store.Buyer, "b")}, true)
		if err != nil {
			return err
		}
		if out[0].Err != store.ErrLocked || out[1].Err != nil { //nolint:errorlint // identity is the promise
			t.Errorf("held: %v, free: %v", out[0].Err, out[1].Err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestHistoryBothWays(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		r := openRoom(t, s, id.New(), id.New())
		var ds []store.Draft
		for i := range 25 {
			ds = append(ds, draft(r.ID, r.BuyerID, store.Buyer, fmt.Sprint(i)))
		}
		out := appendAll(t, s, ds...)
		if got := seqs(out); got[24] != 25 {
			t.Fatalf("seqs %v", got)
		}
		check := func(name string, ms []store.Message, err error, from, to int64) {
			t.Helper()
			if err != nil || len(ms) != int(to-from+1) || ms[0].Seq != from || ms[len(ms)-1].Seq != to {
				t.Errorf("%s: %d messages, %v", name, len(ms), err)
			}
		}
		ms, err := s.After(t.Context(), r.ID, 5, 10)
		check("after", ms, err, 6, 15)
		ms, err = s.Before(t.Context(), r.ID, 5, 10)
		check("before", ms, err, 1, 4)
		ms, err = s.Newest(t.Context(), r.ID, 10, make([]store.Message, 3))
		check("newest", ms, err, 16, 25)
		want := out[24].Message
		want.BuyerCount, want.ShopCount = 0, 0
		if !cmp.Equal(ms[9], want) {
			t.Errorf("stored and read differ: %s", cmp.Diff(want, ms[9]))
		}
	})
}

func TestCursorsOnlyGrowAndUnreadIsADifference(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		r := openRoom(t, s, id.New(), id.New())
		staff := id.New()
		appendAll(t, s, draft(r.ID, r.BuyerID, store.Buyer, "1"), draft(r.ID, staff, store.Shop, "2"), draft(r.ID, staff, store.Shop, "3"),
			draft(r.ID, r.BuyerID, store.Buyer, "4"))
		unread := func(buyer, shop int64) {
			t.Helper()
			es, err := s.Entry(t.Context(), r.ID)
			if err != nil || len(es) != 1 {
				t.Fatalf("%d entries, %v", len(es), err)
			}
			if es[0].UnreadFor(store.Buyer) != buyer || es[0].UnreadFor(store.Shop) != shop {
				t.Errorf("unread %d, %d, want %d, %d", es[0].UnreadFor(store.Buyer), es[0].UnreadFor(store.Shop), buyer, shop)
			}
			sum, err := s.Summary(t.Context(), r.BuyerID, id.Nil)
			if err != nil || sum.Unread != buyer {
				t.Errorf("summary of the buyer %+v, %v", sum, err)
			}
			sum, err = s.Summary(t.Context(), id.Nil, r.ShopID)
			if err != nil || sum.Unread != shop || sum.Waiting != 1 {
				t.Errorf("summary of the shop %+v, %v", sum, err)
			}
		}
		move := func(party string, delivered, read int64, wantDelivered, wantRead int64, wantMoved bool) {
			t.Helper()
			c, moved, err := moveOne(t, s, store.Move{Room: r.ID, Member: r.BuyerID, Party: party, Buyer: r.BuyerID, Shop: r.ShopID, Delivered: delivered, Read: read})
			if err != nil || c.DeliveredSeq != wantDelivered || c.ReadSeq != wantRead || moved != wantMoved {
				t.Errorf("MoveCursor(%d, %d) = %d, %d, %v, %v", delivered, read, c.DeliveredSeq, c.ReadSeq, moved, err)
			}
		}
		unread(2, 2)
		move(store.Buyer, 3, 0, 3, 0, true)
		move(store.Buyer, 0, 2, 3, 2, true)
		unread(1, 2)
		move(store.Buyer, 1, 1, 3, 2, false)
		move(store.Shop, 0, 4, 4, 4, true)
		unread(1, 0)
		move(store.Buyer, 0, 4, 4, 4, true)
		unread(0, 0)
		ms, err := s.MemberCursors(t.Context(), r.ID)
		if err != nil || len(ms) != 1 || ms[0].ReadSeq != 4 || ms[0].DeliveredSeq != 4 || ms[0].ReadAt.IsZero() {
			t.Errorf("member cursors %+v, %v", ms, err)
		}
	})
}

func TestInboxPagesByKeyset(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		shop := id.New()
		var rooms []store.Room
		for range 7 {
			r := openRoom(t, s, id.New(), shop)
			appendAll(t, s, draft(r.ID, r.BuyerID, store.Buyer, "?"))
			rooms = append(rooms, r)
		}
		openRoom(t, s, id.New(), shop) // nobody has said anything: no case for the shop
		for _, waiting := range []bool{false, true} {
			f := store.Inbox{ShopID: shop, Limit: 3, Waiting: waiting}
			var got []id.ID
			for page := 0; page < 5; page++ {
				es, err := s.Entries(t.Context(), f)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range es {
					got = append(got, e.Room.ID)
					if e.Last.Body != "?" || e.Inquiry.Number != 1 {
						t.Errorf("entry %+v", e)
					}
					f.AfterID, f.AfterTime = e.Room.ID, e.Room.UpdatedAt
					if waiting {
						f.AfterTime = *e.Room.WaitingSince
					}
				}
				if len(es) == 0 {
					break
				}
			}
			for i, r := range rooms {
				want := r.ID
				if !waiting {
					want = rooms[len(rooms)-1-i].ID
				}
				if len(got) != len(rooms) || got[i] != want {
					t.Fatalf("waiting %v: place %d of %d is wrong", waiting, i, len(got))
				}
			}
		}
		es, err := s.Entries(t.Context(), store.Inbox{ShopID: shop, UpdatedAfter: time.Now().Add(time.Hour), Limit: 10})
		if err != nil || len(es) != 0 {
			t.Errorf("updated_after: %d, %v", len(es), err)
		}
		if _, _, err := moveOne(t, s, store.Move{Room: rooms[0].ID, Member: shop, Party: store.Shop, Buyer: rooms[0].BuyerID, Shop: shop, Delivered: 1, Read: 1}); err != nil {
			t.Fatal(err)
		}
		es, err = s.Entries(t.Context(), store.Inbox{ShopID: shop, Unread: true, State: store.Waiting, Limit: 10})
		if err != nil || len(es) != len(rooms)-1 {
			t.Errorf("unread: %d, %v", len(es), err)
		}
	})
}

func TestEpochIsOneForAll(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		epochs := make([]string, 8)
		var wg sync.WaitGroup
		for i := range epochs {
			wg.Go(func() {
				var err error
				if epochs[i], err = s.Epoch(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, e := range epochs {
			if e == "" || e != epochs[0] {
				t.Errorf("epochs %q", epochs)
			}
		}
	})
}

func moveOne(t *testing.T, s *store.Store, m store.Move) (store.Cursor, bool, error) {
	t.Helper()
	now, moved, err := s.MoveCursors(t.Context(), []store.Move{m})
	if err != nil {
		return store.Cursor{}, false, err
	}
	return now[0], moved[0], nil
}

// Moves of many come in one batch: of several staff the highest counts for the shop, each keeps their own.
func TestCursorsOfManyMoveTogether(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		shop, other := id.New(), id.New()
		a, b := openRoom(t, s, id.New(), shop), openRoom(t, s, id.New(), shop)
		before := s.Now()
		move := func(r store.Room, member id.ID, party string, delivered, read int64) store.Move {
			return store.Move{Room: r.ID, Member: member, Party: party, Buyer: r.BuyerID, Shop: r.ShopID, Delivered: delivered, Read: read}
		}
		now, moved, err := s.MoveCursors(t.Context(), []store.Move{
			move(b, shop, store.Shop, 1, 1), move(a, shop, store.Shop, 3, 2), move(a, other, store.Shop, 5, 1), move(a, a.BuyerID, store.Buyer, 0, 4)})
		if err != nil {
			t.Fatal(err)
		}
		type pair struct{ delivered, read int64 }
		for i, want := range []pair{{1, 1}, {5, 2}, {5, 2}, {4, 4}} {
			if got := (pair{now[i].DeliveredSeq, now[i].ReadSeq}); got != want || !moved[i] {
				t.Errorf("move %d: %+v, %v, want %+v", i, got, moved[i], want)
			}
		}
		if _, moved, err := s.MoveCursors(t.Context(), []store.Move{move(a, shop, store.Shop, 4, 2), move(b, other, store.Shop, 2, 0)}); err != nil || moved[0] || !moved[1] {
			t.Errorf("moved %v, %v", moved, err)
		}
		readers, err := s.MemberCursors(t.Context(), a.ID)
		if err != nil || len(readers) != 3 {
			t.Fatalf("readers %v, %v", readers, err)
		}
		for _, r := range readers {
			want := map[id.ID]pair{shop: {4, 2}, other: {5, 1}, a.BuyerID: {4, 4}}[r.MemberID]
			if (pair{r.DeliveredSeq, r.ReadSeq}) != want {
				t.Errorf("%s has %d, %d, want %+v", r.MemberID, r.DeliveredSeq, r.ReadSeq, want)
			}
		}
		var changed []store.Cursor
		note := func(c *store.Cursor) { changed = append(changed, *c) }
		if err := s.ChangedCursors(t.Context(), []id.ID{shop}, true, before, note); err != nil || len(changed) != 3 { // b's buyer has not moved
			t.Errorf("changed %v, %v", changed, err)
		}
		changed = nil
		if err := s.ChangedCursors(t.Context(), []id.ID{a.BuyerID}, false, s.Now(), note); err != nil || len(changed) != 0 {
			t.Errorf("changed after now: %v, %v", changed, err)
		}
	})
}

func TestRoomsOfBuyers(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		shop, buyer, other := id.New(), id.New(), id.New()
		a, b := openRoom(t, s, buyer, shop), openRoom(t, s, buyer, id.New())
		openRoom(t, s, other, shop)
		rooms, all, err := s.RoomsOfBuyers(t.Context(), []id.ID{buyer, id.New()}, 2)
		if err != nil || !all || len(rooms) != 2 || rooms[0].ID == rooms[1].ID || rooms[0].ID != a.ID && rooms[0].ID != b.ID {
			t.Errorf("%+v, %v, %v", rooms, all, err)
		}
		if rooms, all, err := s.RoomsOfBuyers(t.Context(), []id.ID{buyer, other}, 2); err != nil || all || rooms != nil {
			t.Errorf("more than asked for: %+v, %v, %v", rooms, all, err)
		}
		if rooms, all, err := s.RoomsOfBuyers(t.Context(), nil, 2); err != nil || !all || rooms != nil {
			t.Errorf("of nobody: %+v, %v, %v", rooms, all, err)
		}
	})
}

func TestLatestOfMany(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store, _ *db.DB) {
		shop, other := id.New(), id.New()
		var buyers []id.ID
		want := map[id.ID][]id.ID{} // the shop's and each buyer's rooms, the last changed first
		for range 5 {
			buyer := id.New()
			buyers = append(buyers, buyer)
			for _, sh := range []id.ID{shop, other} {
				r := openRoom(t, s, buyer, sh)
				appendAll(t, s, draft(r.ID, buyer, store.Buyer, "?"))
				want[buyer] = append([]id.ID{r.ID}, want[buyer]...)
				want[sh] = append([]id.ID{r.ID}, want[sh]...)
			}
		}
		for _, tc := range []struct {
			owners []id.ID
			shops  bool
			limit  int
		}{{nil, false, 3}, {buyers[:1], false, 3}, {append(buyers[1:4:4], id.New()), false, 1}, {buyers, false, 50}, {[]id.ID{shop, other}, true, 3}} {
			heads, err := s.LatestOf(t.Context(), tc.owners, tc.shops, tc.limit)
			if err != nil {
				t.Fatal(err)
			}
			got := map[id.ID][]id.ID{}
			for _, h := range heads {
				owner := h.BuyerID
				if tc.shops {
					owner = h.ShopID
				}
				got[owner] = append(got[owner], h.ID)
			}
			expect := map[id.ID][]id.ID{}
			for _, owner := range tc.owners {
				if rooms := want[owner]; len(rooms) > 0 {
					expect[owner] = rooms[:min(tc.limit, len(rooms))]
				}
			}
			if diff := cmp.Diff(expect, got); diff != "" {
				t.Errorf("%d of %d, shops %v: %s", tc.limit, len(tc.owners), tc.shops, diff)
			}
		}
	})
}
