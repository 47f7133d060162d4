package member

import (
	"context"
	"time"

	"mall/modules/member/internal/store"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/securitylog"
)

const (
	invitationLife = 7 * day
	maxInvitations = 200 // open ones of a shop
	addressInvites = 20  // to an address within a day, from all shops
	maxOwnInvites  = 100 // that one member is shown
)

// Invitation is an e-mail address that a shop has invited to its staff. Whether somebody has an account with it is not said.
type Invitation struct {
	ID        id.ID
	ShopID    id.ID
	ShopName  string
	Email     string
	Role      identity.Role
	InvitedBy string // the name of who did
	CreatedAt time.Time
	ExpiresAt time.Time
}

// InviteStaff invites whoever has that e-mail address to the shop's staff: owners to any role, managers to agent. Nobody is
// of the staff before they accept. Errors: Invalid (email, role), NotFound (shop, for all but its staff), Forbidden,
// Conflict (already_staff, already_invited, invitation_limit, staff_limit), RateLimited.
func (m *Members) InviteStaff(ctx context.Context, actor, shop id.ID, email string, role identity.Role) (Invitation, error) {
	if err := checkRole(role); err != nil {
		return Invitation{}, err
	}
	normal, ok := normalEmail(email)
	if !ok {
		return Invitation{}, fault.Invalidf("email", "invalid_email", "That is no e-mail address we can use.")
	}
	now := m.now()
	row := store.Invitation{ID: id.New(), ShopID: shop, Email: normal, Role: string(role), InvitedBy: actor, CreatedAt: now, ExpiresAt: now.Add(invitationLife)}
	var made []Invitation
	err := m.inShop(ctx, shop, func(ctx context.Context, r roster) (err error) {
		if err := r.allows(actor, role); err != nil {
			return err
		}
		if err := m.mayAddInvitation(ctx, r, row); err != nil {
			return err
		}
		if err := m.store.InsertInvitation(ctx, row); err != nil {
			return err
		}
		if made, err = m.worded(ctx, []store.Invitation{row}); err != nil {
			return err
		}
		return m.post(ctx, letter{Kind: letterInvited, Invitation: row.ID})
	}, func(ctx context.Context) (bool, error) {
		_, err := m.store.Invitation(ctx, row.ID)
		return err == nil, err
	})
	m.security.Write(ctx, securitylog.Event{What: securitylog.Invitation, Err: err, Member: actor, Shop: shop, Reason: "invited_" + string(role)})
	if err != nil {
		return Invitation{}, err
	}
	return made[0], nil
}

// allows says whether a member may let somebody into the shop's staff, or take them off, in that role.
func (r roster) allows(actor id.ID, role identity.Role) error {
	acting, is := r.role(actor)
	switch {
	case !is:
		return fault.Missing("shop")
	case !mayGive(acting, role):
		return notAllowed()
	}
	return nil
}

func mayGive(acting, role identity.Role) bool {
	return acting == identity.RoleOwner || acting == identity.RoleManager && role == identity.RoleAgent
}

// mayAddInvitation holds an invitation to the limits. What it tells of the address its shop knows: its own staff, and its own
// invitations.
func (m *Members) mayAddInvitation(ctx context.Context, r roster, row store.Invitation) error {
	if len(r) >= maxStaff {
		return staffLimit()
	}
	staff, err := m.store.StaffOf(ctx, row.ShopID)
	if err != nil {
		return err
	}
	for _, s := range staff {
		if s.Email == row.Email {
			return alreadyStaff()
		}
	}
	if err := m.store.DeleteExpiredInvitation(ctx, row.ShopID, row.Email, row.CreatedAt); err != nil {
		return err
	}
	open, err := m.store.InvitationsOf(ctx, row.ShopID, row.CreatedAt)
	if err != nil {
		return err
	}
	for _, o := range open {
		if o.Email == row.Email {
			return fault.New(fault.Conflict, "already_invited", "The shop has invited this address already; withdraw that first.")
		}
	}
	if len(open) >= maxInvitations {
		return fault.New(fault.Conflict, "invitation_limit", "The shop has as many open invitations as a shop may have.")
	}
	const enough = "That is enough of invitations for a day."
	if err := m.limit(ctx, enough, m.cfg.InvitationsPerDay, day, "invitations of a shop", row.ShopID.String()); err != nil {
		return err
	}
	return m.limit(ctx, enough, addressInvites, day, "invitations to an address", row.Email)
}

// Invitations are a shop's open invitations, for its owners and managers. Errors: NotFound for all but its staff, Forbidden.
func (m *Members) Invitations(ctx context.Context, actor, shop id.ID) ([]Invitation, error) {
	r, err := m.roster(ctx, shop)
	if err != nil {
		return nil, err
	}
	if err := r.allows(actor, identity.RoleAgent); err != nil {
		return nil, err
	}
	rows, err := m.store.InvitationsOf(ctx, shop, m.now())
	if err != nil {
		return nil, err
	}
	return m.worded(ctx, rows)
}

// WithdrawInvitation takes an invitation back; who may have made it may. Errors: NotFound, Forbidden.
func (m *Members) WithdrawInvitation(ctx context.Context, actor, shop, invitation id.ID) error {
	err := m.inShop(ctx, shop, func(ctx context.Context, r roster) error {
		if err := r.allows(actor, identity.RoleAgent); err != nil {
			return err
		}
		row, err := m.store.Invitation(ctx, invitation)
		if err != nil || row.ShopID != shop {
			return noInvitation(err)
		}
		if err := r.allows(actor, identity.Role(row.Role)); err != nil {
			return err
		}
		return m.store.DeleteInvitation(ctx, invitation)
	}, m.invitationGone(invitation))
	m.security.Write(ctx, securitylog.Event{What: securitylog.Invitation, Err: err, Member: actor, Shop: shop, Reason: "withdrawn"})
	return err
}

func (m *Members) invitationGone(invitation id.ID) func(ctx context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		_, err := m.store.Invitation(ctx, invitation)
		if fault.KindOf(err) == fault.NotFound {
			return true, nil
		}
		return false, err
	}
}

// OwnInvitations are the open invitations for a member's e-mail address, the newest first; none before it is proved, since
// it may be somebody else's.
func (m *Members) OwnInvitations(ctx context.Context, member id.ID) ([]Invitation, error) {
	rows, err := m.store.Members(ctx, []id.ID{member})
	if err != nil || len(rows) == 0 || rows[0].EmailProvedAt == nil {
		return nil, err
	}
	found, err := m.store.InvitationsFor(ctx, rows[0].Email, m.now(), maxOwnInvites)
	if err != nil {
		return nil, err
	}
	return m.worded(ctx, found)
}

// AcceptInvitation makes a member one of the staff of the shop that has invited their proved e-mail address. Errors: NotFound
// (also for an invitation whose maker may not make it any more), Conflict (already_staff, staff_limit, shop_limit).
func (m *Members) AcceptInvitation(ctx context.Context, member, invitation id.ID) (Staff, error) {
	who, row, err := m.ownInvitation(ctx, member, invitation)
	if err != nil {
		return Staff{}, err
	}
	role := identity.Role(row.Role)
	err = m.inShop(ctx, row.ShopID, func(ctx context.Context, r roster) error {
		if err := m.stillGood(ctx, r, row); err != nil {
			return err
		}
		if err := m.mayAddStaff(ctx, r, member); err != nil {
			return err
		}
		if err := m.store.DeleteInvitation(ctx, row.ID); err != nil {
			return noInvitation(err)
		}
		db.AfterCommit(ctx, func() { m.tell(Notice{Member: member}) })
		return m.store.InsertStaff(ctx, store.Staff{ShopID: row.ShopID, MemberID: member, Role: row.Role, CreatedAt: m.now()})
	}, func(ctx context.Context) (bool, error) {
		r, err := m.roster(ctx, row.ShopID)
		has, is := r.role(member)
		return is && has == role, err
	})
	m.security.Write(ctx, securitylog.Event{What: securitylog.Invitation, Err: err, Member: member, Shop: row.ShopID, Reason: "accepted_" + row.Role})
	return Staff{MemberID: member, Name: who.Name, Email: who.Email, Role: role}, err
}

// ownInvitation is an open invitation for the proved e-mail address of a member.
func (m *Members) ownInvitation(ctx context.Context, member, invitation id.ID) (who store.Member, row store.Invitation, err error) {
	rows, err := m.store.Members(ctx, []id.ID{member})
	if err != nil || len(rows) == 0 {
		return who, row, noInvitation(err)
	}
	who = rows[0]
	row, err = m.store.Invitation(ctx, invitation)
	if err != nil || who.EmailProvedAt == nil || row.Email != who.Email || !row.ExpiresAt.After(m.now()) {
		return who, row, noInvitation(err)
	}
	return who, row, nil
}

// stillGood looks, with the shop locked, whether an invitation is there as it was read and its maker may still make it.
func (m *Members) stillGood(ctx context.Context, r roster, was store.Invitation) error {
	row, err := m.store.Invitation(ctx, was.ID)
	if err != nil || row.Role != was.Role {
		return noInvitation(err)
	}
	if r.allows(row.InvitedBy, identity.Role(row.Role)) != nil {
		return noInvitation(nil)
	}
	makers, err := m.store.Members(ctx, []id.ID{row.InvitedBy})
	if err != nil || len(makers) == 0 || makers[0].BannedAt != nil {
		return noInvitation(err)
	}
	return nil
}

// mayAddStaff says whether a member may join the staff.
func (m *Members) mayAddStaff(ctx context.Context, r roster, member id.ID) error {
	if _, is := r.role(member); is {
		return alreadyStaff()
	}
	if len(r) >= maxStaff {
		return staffLimit()
	}
	return m.mayAddShop(ctx, member)
}

// DeclineInvitation is for who does not want to. Errors: NotFound.
func (m *Members) DeclineInvitation(ctx context.Context, member, invitation id.ID) error {
	_, row, err := m.ownInvitation(ctx, member, invitation)
	if err != nil {
		return err
	}
	err = m.store.TxOnce(ctx, func(ctx context.Context) error {
		return missing("invitation", m.store.DeleteInvitation(ctx, invitation))
	},
		m.invitationGone(invitation))
	m.security.Write(ctx, securitylog.Event{What: securitylog.Invitation, Err: err, Member: member, Shop: row.ShopID, Reason: "declined"})
	return err
}

// worded adds the names of shops and members to invitations.
func (m *Members) worded(ctx context.Context, rows []store.Invitation) ([]Invitation, error) {
	shops, makers := make([]id.ID, len(rows)), make([]id.ID, len(rows))
	for i, r := range rows {
		shops[i], makers[i] = r.ShopID, r.InvitedBy
	}
	shopNames, err := m.ShopNames(ctx, shops)
	if err != nil {
		return nil, err
	}
	names, err := m.Names(ctx, makers)
	if err != nil {
		return nil, err
	}
	worded := make([]Invitation, len(rows))
	for i, r := range rows {
		worded[i] = Invitation{ID: r.ID, ShopID: r.ShopID, ShopName: shopNames[r.ShopID], Email: r.Email, Role: identity.Role(r.Role),
			InvitedBy: names[r.InvitedBy], CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt}
	}
	return worded, nil
}

// noInvitation is the one answer for an invitation that is not there, not the caller's, or good no more.
func noInvitation(err error) error {
	if err != nil {
		return missing("invitation", err)
	}
	return fault.Missing("invitation")
}

func alreadyStaff() error {
	return fault.New(fault.Conflict, "already_staff", "This member is of the shop's staff already.")
}

func staffLimit() error {
	return fault.New(fault.Conflict, "staff_limit", "The shop has as many staff as a shop may have.")
}
