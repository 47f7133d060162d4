package member

import (
	"context"

	"mall/modules/member/internal/store"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/securitylog"
)

// maxStaff is how many members may answer for one shop.
const maxStaff = 200

// Staff is a member who answers for a shop, as colleagues see them.
type Staff struct {
	MemberID id.ID
	Name     string
	Email    string
	Role     identity.Role
}

// StaffOf is a shop's staff, the longest serving first; nobody for an unknown shop.
func (m *Members) StaffOf(ctx context.Context, shop id.ID) ([]Staff, error) {
	rows, err := m.store.StaffOf(ctx, shop)
	if err != nil {
		return nil, err
	}
	staff := make([]Staff, len(rows))
	for i, r := range rows {
		staff[i] = Staff{MemberID: r.MemberID, Name: r.Name, Email: r.Email, Role: identity.Role(r.Role)}
	}
	return staff, nil
}

// Seats gives the question for which shops the members answer: seated is called for each such place, but those of banned
// members, as the database knows them when it is asked. It is for whoever stores what staff write, and asked in the very
// transaction that does (db.Opening): what an instance remembers of its callers may be some seconds old.
func (m *Members) Seats(members []id.ID, seated func(shop, member id.ID)) db.Query {
	return m.store.SeatsQuery(members, seated)
}

// Colleagues is StaffOf for one of the staff. Errors: NotFound for everybody else.
func (m *Members) Colleagues(ctx context.Context, actor, shop id.ID) ([]Staff, error) {
	staff, err := m.StaffOf(ctx, shop)
	if err != nil {
		return nil, err
	}
	for _, s := range staff {
		if s.MemberID == actor {
			return staff, nil
		}
	}
	return nil, fault.Missing("shop")
}

// SetStaffRole gives one of the staff another role; only owners do, and one owner stays. Errors: NotFound (shop,
// for all but its staff; member), Forbidden, Conflict last_owner.
func (m *Members) SetStaffRole(ctx context.Context, actor, shop, member id.ID, role identity.Role) (Staff, error) {
	if err := checkRole(role); err != nil {
		return Staff{}, err
	}
	err := m.changeStaff(ctx, actor, shop, func(ctx context.Context, r roster, acting identity.Role) (id.ID, error) {
		if acting != identity.RoleOwner {
			return id.Nil, notAllowed()
		}
		had, is := r.role(member)
		if !is {
			return id.Nil, fault.Missing("staff member")
		}
		if role != identity.RoleOwner && r.onlyOwner(member, had) {
			return id.Nil, lastOwner()
		}
		if err := m.store.DeleteInvitationsBy(ctx, shop, member, given(role)...); err != nil {
			return id.Nil, err
		}
		return member, m.store.SetRole(ctx, shop, member, string(role))
	}, func(r roster) bool {
		has, is := r.role(member)
		return is && has == role
	})
	m.security.Write(ctx, securitylog.Event{What: securitylog.RoleChange, Err: err, Member: actor, Target: member, Shop: shop, Reason: string(role)})
	if err != nil {
		return Staff{}, err
	}
	rows, err := m.store.Members(ctx, []id.ID{member})
	if err != nil || len(rows) == 0 {
		return Staff{}, err
	}
	return Staff{MemberID: member, Name: rows[0].Name, Email: rows[0].Email, Role: role}, nil
}

// RemoveStaff takes a member off the shop's staff: owners anyone, managers agents, everybody themselves; one owner
// stays. Errors: as SetStaffRole.
func (m *Members) RemoveStaff(ctx context.Context, actor, shop, member id.ID) error {
	err := m.changeStaff(ctx, actor, shop, func(ctx context.Context, r roster, acting identity.Role) (id.ID, error) {
		role, is := r.role(member)
		if !is {
			return id.Nil, fault.Missing("staff member")
		}
		if actor != member && !mayGive(acting, role) {
			return id.Nil, notAllowed()
		}
		if r.onlyOwner(member, role) {
			return id.Nil, lastOwner()
		}
		if err := m.store.DeleteInvitationsBy(ctx, shop, member); err != nil {
			return id.Nil, err
		}
		return member, m.store.DeleteStaff(ctx, shop, member)
	}, func(r roster) bool {
		_, is := r.role(member)
		return !is
	})
	m.security.Write(ctx, securitylog.Event{What: securitylog.RoleChange, Err: err, Member: actor, Target: member, Shop: shop, Reason: "removed"})
	return err
}

// given are the roles that somebody in a role may give: their invitations to others go with the role that allowed them.
func given(by identity.Role) (roles []string) {
	for _, role := range []identity.Role{identity.RoleOwner, identity.RoleManager, identity.RoleAgent} {
		if mayGive(by, role) {
			roles = append(roles, string(role))
		}
	}
	return roles
}

// changeStaff runs fn with the shop locked, so that what fn decides by the roster holds when it commits; the
// actor's role too is what the database says, not what a principal remembers. fn answers whose shops it changed; done
// says by the roster whether that has happened, when nobody knows.
func (m *Members) changeStaff(ctx context.Context, actor, shop id.ID, fn func(ctx context.Context, r roster, acting identity.Role) (id.ID, error), done func(roster) bool) error {
	return m.inShop(ctx, shop, func(ctx context.Context, r roster) error {
		acting, is := r.role(actor)
		if !is {
			return fault.Missing("shop")
		}
		changed, err := fn(ctx, r, acting)
		if err == nil {
			db.AfterCommit(ctx, func() { m.tell(Notice{Member: changed}) })
		}
		return err
	}, func(ctx context.Context) (bool, error) {
		r, err := m.roster(ctx, shop)
		return err == nil && done(r), err
	})
}

// inShop runs fn with the shop locked and its staff read under the lock; stored says whether that is done, when nobody knows.
func (m *Members) inShop(ctx context.Context, shop id.ID, fn func(ctx context.Context, r roster) error, stored func(ctx context.Context) (bool, error)) error {
	return m.store.TxOnce(ctx, func(ctx context.Context) error {
		if _, err := m.store.LockShop(ctx, shop); err != nil {
			return missing("shop", err)
		}
		r, err := m.roster(ctx, shop)
		if err != nil {
			return err
		}
		return fn(ctx, r)
	}, stored)
}

func (m *Members) roster(ctx context.Context, shop id.ID) (roster, error) {
	rows, err := m.store.StaffRows(ctx, []id.ID{shop})
	return rows, err
}

// roster is the whole staff of one shop.
type roster []store.Staff

func (r roster) role(member id.ID) (identity.Role, bool) {
	for _, s := range r {
		if s.MemberID == member {
			return identity.Role(s.Role), true
		}
	}
	return "", false
}

// onlyOwner says whether the shop would have no owner without this member as one.
func (r roster) onlyOwner(member id.ID, role identity.Role) bool {
	if role != identity.RoleOwner {
		return false
	}
	for _, s := range r {
		if s.Role == string(identity.RoleOwner) && s.MemberID != member {
			return false
		}
	}
	return true
}

func checkRole(role identity.Role) error {
	if !role.AtLeast(identity.RoleAgent) {
		return fault.Invalidf("role", "invalid_role", "A role is owner, manager or agent.")
	}
	return nil
}

func notAllowed() error {
	return fault.New(fault.Forbidden, "forbidden", "Your role in this shop does not allow that.")
}

func lastOwner() error {
	return fault.New(fault.Conflict, "last_owner", "A shop keeps at least one owner.")
}
