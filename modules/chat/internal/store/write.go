package store

import (
	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// write gives the statements that store what the batch has changed.
func (b *batch) write() []db.Statement {
	if !b.hasChanged() {
		return nil
	}
	var all []db.Statement
	if len(b.rows) > 0 {
		all = append(all, b.writeMessages())
	}
	all = append(all, b.writeRooms())
	all = append(all, b.writeInquiries()...)
	return append(all, b.writeBlocks()...)
}

func (b *batch) hasChanged() bool {
	for i := range b.lots {
		if b.lots[i].Changed {
			return true
		}
	}
	return false
}

func (b *batch) writeMessages() db.Statement {
	q := b.s.statement("INSERT INTO chat_messages (" + messageColumns + ") VALUES ")
	for i := range b.rows {
		m := &b.rows[i]
		q.more().id(m.RoomID).raw(",").num(m.Seq).raw(",").id(m.InquiryID).raw(",").word(m.Party).raw(",")
		q.id(m.SenderID).raw(",").arg(m.SenderName).raw(",").word(m.Kind).raw(",").arg(m.Body).raw(",")
		q.maybeArg(m.Card).raw(",").id(m.ClientMsgID).raw(",")
		q.num(m.BuyerCount).raw(",").num(m.ShopCount).raw(",").at(m.CreatedAt).raw(")")
	}
	return b.hold(q)
}

// writtenColumns are what a batch may change of a room.
var writtenColumns = [...]string{
	"head", "buyer_count", "shop_count", "inquiry_id", "state", "waiting_since", "updated_at", "blocks",
}

// writeRooms is one statement for all heads: the rows are there and locked, so it only ever updates them.
func (b *batch) writeRooms() db.Statement {
	q := b.s.statement("INSERT INTO chat_rooms (" + roomColumns + ") VALUES ")
	for i := range b.lots {
		r := &b.lots[i]
		if !r.Changed {
			continue
		}
		q.more().id(r.ID).raw(",").id(r.BuyerID).raw(",").id(r.ShopID).raw(",")
		q.num(r.Head).raw(",").num(r.BuyerCount).raw(",").num(r.ShopCount).raw(",")
		q.id(r.InquiryID).raw(",").num(int64(r.Inquiries)).raw(",").word(r.State).raw(",").maybeAt(r.WaitingSince).raw(",")
		q.at(r.CreatedAt).raw(",").now(r.UpdatedAt).raw(",").num(int64(r.Blocks)).raw(")")
	}
	q.onTaken("(id)")
	for i, column := range writtenColumns {
		if i > 0 {
			q.raw(", ")
		}
		q.raw(column + " = " + q.given(column))
	}
	return b.hold(q)
}

// writeInquiries changes owners, and the states of inquiries that are not, or no longer, their room's current one:
// rarely any.
func (b *batch) writeInquiries() []db.Statement {
	var all []db.Statement
	var answered []id.ID
	for i := range b.lots {
		if b.lots[i].Answered {
			answered = append(answered, b.lots[i].ID)
		}
	}
	if len(answered) > 0 { // before the states below, which are later ones
		q := b.s.statement("UPDATE chat_inquiries SET state = 'open' WHERE room_id IN ").list(answered)
		all = append(all, b.hold(q.raw(" AND state = 'waiting'")))
	}
	for i := range b.lots {
		for about, state := range b.lots[i].Parked {
			q := b.s.statement("UPDATE chat_inquiries SET state = ").word(state)
			all = append(all, b.hold(q.raw(" WHERE id = ").id(about)))
		}
	}
	for _, c := range b.owners {
		q := b.s.statement("UPDATE chat_inquiries SET owner_id = ").id(c.owner)
		all = append(all, b.hold(q.raw(" WHERE id = ").id(c.inquiry)))
	}
	return all
}
