package chat

import (
	"context"
	"encoding/json"
	"time"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

const exportPage = 100 // rooms or messages read at once

// ExportTalks gives each the rooms that the caller has as a buyer, as GET /chat/rooms shows them.
func (c *Chat) ExportTalks(ctx context.Context, each func(item any) error) error {
	p, err := identity.From(ctx)
	if err != nil {
		return err
	}
	token := ""
	for {
		rooms, next, err := c.rooms(ctx, store.Inbox{BuyerID: p.MemberID, Limit: exportPage}, store.Buyer, token)
		if err != nil {
			return err
		}
		for i := range rooms {
			if err := each(rooms[i]); err != nil {
				return err
			}
		}
		if token = next; next == "" {
			return nil
		}
	}
}

// ExportMessages gives each the messages of those rooms, both sides', as GET …/messages shows them, each room's in order.
// The item is good during the call only.
func (c *Chat) ExportMessages(ctx context.Context, each func(item any) error) error {
	p, err := identity.From(ctx)
	if err != nil {
		return err
	}
	rooms, err := c.store.RoomsOf(ctx, p.MemberID)
	if err != nil {
		return err
	}
	for _, room := range rooms {
		if err := c.exportRoom(ctx, room, each); err != nil {
			return err
		}
	}
	return nil
}

func (c *Chat) exportRoom(ctx context.Context, room id.ID, each func(item any) error) error {
	var b []byte
	for last := int64(0); ; {
		messages, err := c.store.After(ctx, room, last, exportPage)
		if err != nil {
			return err
		}
		for i := range messages {
			b = appendMessage(append(b[:0], '{'), &messages[i])
			if err := each(json.RawMessage(b)); err != nil {
				return err
			}
			last = messages[i].Seq
		}
		if len(messages) < exportPage {
			return nil
		}
	}
}

// ExportReports gives each what the caller has reported to the mall.
func (c *Chat) ExportReports(ctx context.Context, each func(item any) error) error {
	p, err := identity.From(ctx)
	if err != nil {
		return err
	}
	reports, err := c.store.ReportsBy(ctx, p.MemberID)
	if err != nil {
		return err
	}
	for _, r := range reports {
		item := exportedReport{ID: r.ID, RoomID: r.RoomID, Seq: r.Seq, Reason: r.Reason, Text: r.Text, CreatedAt: r.CreatedAt}
		if err := each(item); err != nil {
			return err
		}
	}
	return nil
}

type exportedReport struct {
	ID        id.ID     `json:"id"`
	RoomID    id.ID     `json:"room_id"`
	Seq       int64     `json:"seq,omitempty"`
	Reason    string    `json:"reason"`
	Text      string    `json:"text,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

// Talked says whether the member has ever opened a room as a buyer.
func (c *Chat) Talked(ctx context.Context, member id.ID) (bool, error) {
	rooms, err := c.store.RoomsOf(ctx, member)
	return len(rooms) > 0, err
}

// Rename puts a name in place of the one under which a buyer has spoken, in all their rooms. What they said as a shop's
// staff is the shop's record and stays. Pages and frames that clients have already are not called back.
func (c *Chat) Rename(ctx context.Context, buyer id.ID, name string) error {
	rooms, err := c.store.RoomsOf(ctx, buyer)
	if err != nil {
		return err
	}
	for _, room := range rooms {
		if err := c.store.RenameSender(ctx, room, buyer, name); err != nil {
			return err
		}
	}
	return nil
}
