package member

import (
	"context"
	"time"

	"mall/modules/member/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/securitylog"
)

// proofsPerHour is how many letters that prove an address a member may ask for.
const proofsPerHour = 5

// SendEmailProof mails a member a new link that proves their address; nothing to one whose address is proved. Errors:
// RateLimited, NotFound.
func (m *Members) SendEmailProof(ctx context.Context, member id.ID) error {
	me, err := m.Me(ctx, member)
	if err != nil || me.EmailProved {
		return err
	}
	err = m.limit(ctx, "The letter was sent already; look into your mailbox.", proofsPerHour, time.Hour, "email proofs", member.String())
	if err != nil {
		return err
	}
	return m.store.Tx(ctx, func(ctx context.Context) error { return m.post(ctx, letter{Kind: letterProof, Member: member}) })
}

// ProveEmail takes the token of a mailed link: the address is its member's. Errors: Invalid link_invalid.
func (m *Members) ProveEmail(ctx context.Context, text string) error {
	link, err := m.readLink(ctx, text, store.Proof)
	if err == nil {
		err = m.redeem(ctx, link, func(ctx context.Context) error {
			m.afterCommit(ctx, Notice{Member: link.MemberID})
			return m.store.ProveEmail(ctx, link.MemberID, m.now())
		}, m.linkUsed(link.ID))
	}
	m.security.Write(ctx, securitylog.Event{What: securitylog.EmailProof, Err: err, Member: link.MemberID})
	return err
}

// linkUsed says whether a link that was good a moment ago is used up now, which only its own redemption does.
func (m *Members) linkUsed(link id.ID) func(ctx context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		row, err := m.store.Link(ctx, link)
		return err == nil && row.UsedAt != nil, err
	}
}

func emailUnproved() error {
	return fault.New(fault.Forbidden, "email_unproved", "Prove your e-mail address first: open the link that was mailed there.")
}
