package inquiry_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mall/modules/chat/internal/inquiry"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

var (
	mug, lamp, bowl = id.Derived("mug"), id.Derived("lamp"), id.Derived("bowl")

	monday  = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	tuesday = monday.Add(24 * time.Hour)
)

// roomAbout is a room with three inquiries, of which the mug's is the current one.
func roomAbout(state string, waiting *time.Time) inquiry.Room {
	return inquiry.Room{Head: 7, BuyerCount: 4, ShopCount: 2, InquiryID: mug, Inquiries: 3, State: state,
		WaitingSince: waiting, UpdatedAt: monday}
}

// Whoever writes, in whatever state: who has the next seq, who waits, and since when.
func TestWhatAMessageDoesToItsRoom(t *testing.T) {
	const waits, none = "since monday", ""
	for name, tc := range map[string]struct {
		party, state, waiting string
		wantState             string
		wantWaiting           *time.Time
	}{
		"a question":                        {inquiry.Buyer, inquiry.Open, none, inquiry.Waiting, &tuesday},
		"another question":                  {inquiry.Buyer, inquiry.Waiting, waits, inquiry.Waiting, &monday},
		"a question about what is put away": {inquiry.Buyer, inquiry.Held, waits, inquiry.Waiting, &tuesday},
		"a question about what is closed":   {inquiry.Buyer, inquiry.Done, none, inquiry.Waiting, &tuesday},
		"an answer":                         {inquiry.Shop, inquiry.Waiting, waits, inquiry.Open, nil},
		"an answer that nobody waits for":   {inquiry.Shop, inquiry.Open, none, inquiry.Open, nil},
		"an answer to what is put away":     {inquiry.Shop, inquiry.Held, waits, inquiry.Open, nil},
		"an answer to what is closed":       {inquiry.Shop, inquiry.Done, none, inquiry.Open, nil},
		"a notice, while nobody waits":      {inquiry.System, inquiry.Open, none, inquiry.Open, nil},
		"a notice, while the buyer waits":   {inquiry.System, inquiry.Waiting, waits, inquiry.Waiting, &monday},
		"a notice of what is closed":        {inquiry.System, inquiry.Done, none, inquiry.Done, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var since *time.Time
			if tc.waiting == waits {
				since = &monday
			}
			c := inquiry.Changes{Room: roomAbout(tc.state, since)}
			want := c.Room
			want.Head, want.UpdatedAt, want.State, want.WaitingSince = 8, tuesday, tc.wantState, tc.wantWaiting
			switch tc.party {
			case inquiry.Buyer:
				want.BuyerCount++
			case inquiry.Shop:
				want.ShopCount++
			}
			about, err := c.Take(inquiry.Send{Party: tc.party}, tuesday)
			if err != nil || about != mug || !c.Changed || len(c.Parked) != 0 {
				t.Errorf("about %s, %v, changed %v, parked %v", about, err, c.Changed, c.Parked)
			}
			if diff := cmp.Diff(want, c.Room); diff != "" {
				t.Error(diff)
			}
			if wantAnswered := tc.party == inquiry.Shop && tc.waiting == waits; c.Answered != wantAnswered {
				t.Errorf("answered %v, want %v", c.Answered, wantAnswered)
			}
		})
	}
}

// What is refused changes nothing, and of several reasons the first counts.
func TestWhatIsRefused(t *testing.T) {
	yours, theirs := "You have blocked this talk; unblock it to write.", "The other side has blocked this talk."
	late, unknown := "A colleague has answered meanwhile.", "The room has no such inquiry."
	buyer, shop, system := inquiry.Buyer, inquiry.Shop, inquiry.System
	for name, tc := range map[string]struct {
		blocks []string
		send   inquiry.Send
		kind   fault.Kind
		code   string
		text   string
	}{
		"blocked by oneself":        {[]string{buyer}, inquiry.Send{Party: buyer}, fault.Forbidden, "blocked", yours},
		"blocked by the other side": {[]string{shop}, inquiry.Send{Party: buyer}, fault.Forbidden, "blocked", theirs},
		"the shop, by itself":       {[]string{shop}, inquiry.Send{Party: shop}, fault.Forbidden, "blocked", yours},
		"the shop, by the buyer":    {[]string{buyer}, inquiry.Send{Party: shop}, fault.Forbidden, "blocked", theirs},
		"by both":                   {[]string{buyer, shop}, inquiry.Send{Party: shop}, fault.Forbidden, "blocked", yours},
		"blocked and stale": {[]string{shop}, inquiry.Send{Party: shop, Stale: true},
			fault.Forbidden, "blocked", yours},
		"stale": {nil, inquiry.Send{Party: shop, Stale: true}, fault.Conflict, "stale", late},
		"stale, about an unknown inquiry": {nil, inquiry.Send{Party: shop, InquiryID: lamp, Stale: true},
			fault.Conflict, "stale", late},
		"about an unknown inquiry": {nil, inquiry.Send{Party: buyer, InquiryID: lamp},
			fault.Invalid, "not_found", unknown},
		"a notice about an unknown inquiry": {nil, inquiry.Send{Party: system, InquiryID: lamp},
			fault.Invalid, "not_found", unknown},
	} {
		t.Run(name, func(t *testing.T) {
			c := inquiry.Changes{Room: roomAbout(inquiry.Waiting, &monday)}
			for _, party := range tc.blocks {
				c.SetBlock(party, true, monday)
			}
			before := c
			_, err := c.Take(tc.send, tuesday)
			if f, ok := fault.As(err); !ok || f.Kind != tc.kind || f.Code != tc.code || f.Message != tc.text {
				t.Errorf("refused with %v", err)
			}
			if diff := cmp.Diff(before, c); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBlocks(t *testing.T) {
	c := inquiry.Changes{Room: roomAbout(inquiry.Open, nil)}
	for i, step := range []struct {
		party       string
		on, changes bool
		head        int64
		buyer, shop bool
	}{
		{inquiry.Buyer, false, false, 7, false, false},
		{inquiry.Buyer, true, true, 8, true, false},
		{inquiry.Buyer, true, false, 8, true, false},
		{inquiry.Shop, true, true, 9, true, true},
		{inquiry.Buyer, false, true, 10, false, true},
		{inquiry.Shop, false, true, 11, false, false},
	} {
		changed := c.SetBlock(step.party, step.on, tuesday)
		if changed != step.changes || c.Head != step.head {
			t.Errorf("step %d: %v, %+v", i, changed, c.Room)
		}
		if c.BlockedBy(inquiry.Buyer) != step.buyer || c.BlockedBy(inquiry.Shop) != step.shop {
			t.Errorf("step %d: blocks %b", i, c.Blocks)
		}
	}
	c.SetBlock(inquiry.Buyer, true, tuesday)
	if _, err := c.Take(inquiry.Send{Party: inquiry.System}, tuesday); err != nil || c.Head != 13 {
		t.Errorf("a notice in a blocked room: %v, %+v", err, c.Room)
	}
}

// A room that turns to another inquiry: what staff have decided of that one stays, and opening it asks nothing.
func TestARoomTurnsToAnotherInquiry(t *testing.T) {
	for _, tc := range []struct{ room, other, want string }{
		{inquiry.Waiting, inquiry.Open, inquiry.Waiting},
		{inquiry.Waiting, inquiry.Waiting, inquiry.Waiting},
		{inquiry.Waiting, inquiry.Held, inquiry.Held},
		{inquiry.Waiting, inquiry.Done, inquiry.Done},
		{inquiry.Open, inquiry.Open, inquiry.Open},
		{inquiry.Open, inquiry.Waiting, inquiry.Open},
		{inquiry.Open, inquiry.Held, inquiry.Held},
		{inquiry.Open, inquiry.Done, inquiry.Done},
		{inquiry.Held, inquiry.Waiting, inquiry.Open},
		{inquiry.Held, inquiry.Held, inquiry.Held},
		{inquiry.Done, inquiry.Open, inquiry.Open},
		{inquiry.Done, inquiry.Done, inquiry.Done},
	} {
		r := roomAbout(tc.room, nil)
		r.TurnTo(lamp, tc.other)
		if r.State != tc.want || r.InquiryID != lamp {
			t.Errorf("from %s to one that is %s: %s, want %s", tc.room, tc.other, r.State, tc.want)
		}
	}
}

func TestStaleReplies(t *testing.T) {
	one, two := id.Derived("one"), id.Derived("two")
	reply := inquiry.Reply{Sender: one, Seen: 5}
	for name, tc := range map[string]struct {
		party  string
		sender id.ID
		seq    int64
		want   bool
	}{
		"a colleague, past what was seen": {inquiry.Shop, two, 6, true},
		"a colleague, seen":               {inquiry.Shop, two, 5, false},
		"oneself":                         {inquiry.Shop, one, 6, false},
		"the buyer":                       {inquiry.Buyer, two, 6, false},
		"the mall":                        {inquiry.System, two, 6, false},
	} {
		if got := reply.OvertakenBy(tc.party, tc.sender, tc.seq); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for head, want := range map[int64]bool{0: false, 4: false, 5: false, 6: true} {
		if reply.MayBeStale(head) != want {
			t.Errorf("head %d: %v", head, !want)
		}
	}
}

func TestARetrySaysTheSame(t *testing.T) {
	stored := inquiry.Words{Body: "재고 있나요?", CardKey: "product:1"}
	for _, tc := range []struct {
		sent inquiry.Words
		code string
	}{
		{stored, ""},
		{inquiry.Words{Body: "재고 있나요? ", CardKey: "product:1"}, "client_msg_id_conflict"},
		{inquiry.Words{Body: "재고 있나요?"}, "client_msg_id_conflict"},
		{inquiry.Words{Body: "재고 있나요?", CardKey: "order:1"}, "client_msg_id_conflict"},
		{inquiry.Words{}, "client_msg_id_conflict"},
	} {
		switch err := inquiry.CheckRetry(tc.sent, stored); {
		case tc.code == "" && err != nil:
			t.Errorf("%+v: %v", tc.sent, err)
		case tc.code != "" && fault.CodeOf(err) != tc.code:
			t.Errorf("%+v: %v", tc.sent, err)
		}
	}
}
