package store

import (
	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// BlockChange is what a party wants of its block of a room. What is as it should be already is left alone, and nothing
// is told of it.
type BlockChange struct {
	Party  string
	Member id.ID // who does it
	On     bool
}

type blockRow struct {
	room id.ID
	BlockChange
}

// block does what a draft wants of its room's block. The notice of it is no message of a person: it can be read where
// nobody may write.
func (b *batch) block(room *lockedRoom, d *Draft) Outcome {
	if !room.SetBlock(d.Block.Party, d.Block.On, b.now) {
		return Outcome{}
	}
	b.blocks = append(b.blocks, blockRow{room.ID, *d.Block})
	return b.add(room, room.InquiryID, d, d.Body)
}

// writeBlocks says who has blocked a room, and since when: rarely any.
func (b *batch) writeBlocks() []db.Statement {
	var all []db.Statement
	for _, row := range b.blocks {
		if !row.On {
			q := b.s.statement("DELETE FROM chat_blocks WHERE room_id = ").id(row.room).raw(" AND party = ").word(row.Party)
			all = append(all, b.hold(q))
			continue
		}
		q := b.s.statement("INSERT INTO chat_blocks (room_id, party, member_id, created_at) VALUES ")
		q.more().id(row.room).raw(",").word(row.Party).raw(",").id(row.Member).raw(",").at(b.now).raw(")")
		q.onTaken("(room_id, party)").raw("member_id = " + q.given("member_id"))
		all = append(all, b.hold(q))
	}
	return all
}
