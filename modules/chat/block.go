package chat

import (
	"context"
	"strings"
	"time"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/securitylog"
	"mall/modules/platform/text"
)

// block blocks a room for the caller's party, or takes that back. It goes the way of a message, by the room's lane: sends
// before it are stored, those after it are refused, and the notice that tells both parties of it is stored with it, so that
// it reaches whoever has missed the news. Errors: NotFound without a seat, RateLimited, Unavailable.
func (c *Chat) block(ctx context.Context, p *identity.Principal, room id.ID, on bool) error {
	s, err := c.seatIn(ctx, p, room)
	if err != nil {
		return err
	}
	if err := c.mayChange(p.MemberID); err != nil {
		return err
	}
	row := store.Draft{RoomID: room, Party: store.System, Staff: s.staff(p), SenderID: store.SystemSender, Kind: kindNotice,
		Body: noticeOfBlock(s.party, on), ClientMsgID: id.New(), Block: &store.BlockChange{Party: s.party, Member: p.MemberID, On: on}}
	o, err := await(ctx, func(done func(store.Outcome)) { c.enqueue(row, s.parties, time.Now(), nil, done) })
	if err != nil {
		return err
	}
	if o.Message.Seq > 0 {
		c.quiet.forget(room)
		c.security.Write(ctx, securitylog.Event{What: securitylog.Block, Target: room, Shop: s.shop, Reason: row.Body})
		c.pushRoom(ctx, room)
	}
	return nil
}

func noticeOfBlock(party string, on bool) string {
	if on {
		return party + "_blocked"
	}
	return party + "_unblocked"
}

// reportsADay is how much one member may report to the mall.
const reportsADay = 20

const (
	reportText  = 500
	reportLines = 50
)

// complaint is what a member reports of the other party of a room.
type complaint struct {
	clientID id.ID // zero: the report has no id of its reporter's
	reason   string
	text     string
	seq      int64 // 0: of no message in particular
}

// report keeps a complaint for whoever looks after the mall; the other party is not told. dup says that it was there
// already. Errors: NotFound without a seat, Invalid, RateLimited, Unavailable.
func (c *Chat) report(ctx context.Context, p *identity.Principal, room id.ID, w complaint) (kept store.Report, dup bool, err error) {
	s, err := c.seatIn(ctx, p, room)
	if err != nil {
		return kept, false, err
	}
	r := store.Report{ReporterID: p.MemberID, ClientID: w.clientID, Party: s.party, RoomID: room, Seq: w.seq, Reason: w.reason, Text: strings.TrimSpace(w.text)}
	if r.Text != "" {
		if err := text.Body(r.Text, reportText, reportLines); err != nil {
			return kept, false, fault.Invalidf("text", "invalid_text", "A report is text of at most %d characters that can be shown.", reportText)
		}
	}
	if r.ClientID.IsZero() {
		r.ClientID = id.New()
	}
	if err := c.accused(ctx, s, &r); err != nil {
		return kept, false, err
	}
	kept, dup, err = c.store.AddReport(ctx, r, reportsADay)
	c.security.Write(ctx, securitylog.Event{What: securitylog.Report, Err: err, Target: room, Shop: s.shop, Reason: w.reason})
	return kept, dup, err
}

// accused fills in whom a report is about: the buyer, or the shop and, where a message is named, who of its staff wrote it.
func (c *Chat) accused(ctx context.Context, s seat, r *store.Report) error {
	if s.party == store.Shop {
		r.ReportedMemberID = s.buyer
	} else {
		r.ReportedShopID = s.shop
	}
	if r.Seq == 0 {
		return nil
	}
	ms, err := c.store.After(ctx, s.room, r.Seq-1, 1)
	if err != nil {
		return err
	}
	if len(ms) == 0 || ms[0].Seq != r.Seq || ms[0].Party == s.party || ms[0].Party == store.System {
		return fault.Invalidf("seq", "bad_request", "A report is about a message of the other side.")
	}
	r.ReportedMemberID = ms[0].SenderID
	return nil
}
