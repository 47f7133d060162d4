// Package chatseed makes rooms that nobody has opened, for load tests and tests: thousands in a second. The program
// that is shipped does not hold it.
package chatseed

import (
	"context"

	"mall/modules/chat/internal/store"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// Pair is a buyer and a shop.
type Pair struct{ Buyer, Shop id.ID }

// Rooms makes a room with a general inquiry for each of the pairs, as the buyers' opening them would, and gives the
// rooms in the order of the pairs. It asks nobody's leave and tells no connection of them. All or none are made;
// fault.Conflict when a pair has a room already.
func Rooms(ctx context.Context, d *db.DB, pairs []Pair) ([]id.ID, error) {
	openings := make([]store.Opening, len(pairs))
	for i, p := range pairs {
		openings[i] = store.Opening{BuyerID: p.Buyer, ShopID: p.Shop, Subject: "general"}
	}
	return store.New(d).CreateRooms(ctx, openings)
}
