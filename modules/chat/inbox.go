package chat

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"time"

	"mall/modules/chat/internal/api"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// inboxOf says whose rooms to list: the caller's own as a buyer, or a shop's they answer for. A shop that
// is not theirs is the same as one that does not exist.
func inboxOf(p *identity.Principal, shop *id.ID) (store.Inbox, string, error) {
	if shop == nil {
		return store.Inbox{BuyerID: p.MemberID}, store.Buyer, nil
	}
	if _, staff := p.RoleIn(*shop); !staff {
		return store.Inbox{}, "", fault.Missing("shop")
	}
	return store.Inbox{ShopID: *shop}, store.Shop, nil
}

// rooms lists a page of rooms and where the next one begins; "" at the end.
func (c *Chat) rooms(ctx context.Context, f store.Inbox, party, token string) ([]api.Room, string, error) {
	var err error
	if f.AfterTime, f.AfterID, err = decodePageToken(token); err != nil {
		return nil, "", err
	}
	limit := f.Limit
	f.Limit++ // one more tells whether there is a next page
	entries, err := c.store.Entries(ctx, f)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(entries) > limit {
		entries = entries[:limit]
		last := &entries[limit-1].Room
		at := last.UpdatedAt
		if f.Waiting && last.WaitingSince != nil {
			at = *last.WaitingSince
		}
		next = encodePageToken(at, last.ID)
	}
	views, err := c.roomViews(ctx, entries, party)
	return views, next, err
}

func encodePageToken(at time.Time, last id.ID) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(b, last[:]...))
}

// decodePageToken reads a page token of ours. Anybody can write one: it names a moment and a room to begin behind, shows
// nothing that the list would not, and must only be one that both databases know.
func decodePageToken(s string) (time.Time, id.ID, error) {
	if s == "" {
		return time.Time{}, id.Nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != 24 {
		return time.Time{}, id.Nil, errPageToken
	}
	at := time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC() //nolint:gosec // any value is a time
	if !datable(at) {
		return time.Time{}, id.Nil, errPageToken
	}
	return at, id.ID(b[8:]), nil
}

var errPageToken = fault.Invalidf("cursor", "bad_request", "That is no cursor of ours.")

// datable says whether both databases can hold a moment: MySQL's DATETIME knows the years 1000 to 9999.
func datable(at time.Time) bool { return at.UTC().Year() >= 1000 && at.UTC().Year() <= 9999 }
