package chat

import (
	"context"
	"slices"
	"time"

	"mall/modules/chat/internal/store"
	"mall/modules/member"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// changeInquiry changes an inquiry's state or owner, for the shop's staff. The end of one is said in the room, where the
// buyer sees it. The change goes the way of a message, by the room's lane: it and its notice are stored together, and the
// notice is told in its turn.
func (c *Chat) changeInquiry(ctx context.Context, p *identity.Principal, room, inquiry id.ID, change store.InquiryChange) error {
	s, err := c.seatIn(ctx, p, room)
	if err != nil {
		return err
	}
	if s.party != store.Shop {
		return fault.New(fault.Forbidden, "forbidden", "Only the shop's staff change an inquiry.")
	}
	if err := c.mayChange(p.MemberID); err != nil {
		return err
	}
	if change.Owner != nil {
		if err := c.checkOwner(ctx, s.shop, *change.Owner); err != nil {
			return err
		}
	}
	change.Notice = noticeOfChange
	row := store.Draft{RoomID: room, InquiryID: inquiry, Party: store.System, Staff: s.staff(p), SenderID: store.SystemSender,
		Kind: kindNotice, ClientMsgID: id.New(), Change: &change}
	if _, err := await(ctx, func(done func(store.Outcome)) { c.enqueue(row, s.parties, time.Now(), nil, done) }); err != nil {
		return err
	}
	c.pushRoom(ctx, room)
	return nil
}

func (c *Chat) checkOwner(ctx context.Context, shop, owner id.ID) error {
	staff, err := c.members.StaffOf(ctx, shop)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(staff, func(s member.Staff) bool { return s.MemberID == owner }) {
		return fault.Invalidf("owner_id", "bad_request", "The owner of an inquiry is one of the shop's staff.")
	}
	return nil
}

// noticeOfChange is what the room is told of a change of state; "" for nothing.
func noticeOfChange(before, after string) string {
	switch {
	case after == store.Done:
		return "inquiry_done"
	case before == store.Done:
		return "inquiry_reopened"
	}
	return ""
}
