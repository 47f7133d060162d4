package chat

import (
	"context"
	"time"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
)

// OrderChange is an order's new status, as the order module's news tells it.
type OrderChange struct {
	News    id.ID // the news' own id: the same one told twice is one notice
	OrderID id.ID
	ShopID  id.ID
	BuyerID id.ID
	Status  string
}

// OrderChanged says an order's new status in the room where it is talked about. An order that nobody has
// asked about has no inquiry, and nothing is said. It may be called again with the same news.
func (c *Chat) OrderChanged(ctx context.Context, ch OrderChange) error {
	room, err := c.store.RoomOf(ctx, ch.BuyerID, ch.ShopID)
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	inquiry, err := c.store.InquiryOn(ctx, room.ID, subjectOrder, ch.OrderID)
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	sides := parties{room.BuyerID, room.ShopID}
	card, err := c.orderCard(ctx, sides, ch.OrderID)
	if err != nil {
		return err
	}
	card.Status = &ch.Status // as the news has it: the order may have moved on since
	row := store.Draft{RoomID: room.ID, InquiryID: inquiry.ID, Party: store.System, SenderID: store.SystemSender,
		Kind: kindNotice, Body: "order_" + ch.Status, Card: encodeCard(card), ClientMsgID: ch.News}
	row.CardKey = store.CardKey(row.Card)
	_, err = await(ctx, func(done func(store.Outcome)) { c.enqueue(row, sides, time.Now(), nil, done) })
	return err
}
