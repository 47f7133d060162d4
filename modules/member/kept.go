package member

import (
	"context"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// Kept is what the module keeps of a member, for the member. Secrets and hashes are not part of it.
type Kept struct {
	ID        id.ID       `json:"id"`
	Email     string      `json:"email"`
	Name      string      `json:"name"`
	CreatedAt time.Time   `json:"created_at"`
	Proved    bool        `json:"email_proved"`
	Operator  bool        `json:"operator"`
	Factor    bool        `json:"second_factor"`
	Shops     []KeptShop  `json:"shops"`
	Logins    []KeptLogin `json:"logins"`
}

// KeptShop is a shop that the member answers for.
type KeptShop struct {
	ID   id.ID         `json:"id"`
	Name string        `json:"name"`
	Role identity.Role `json:"role"`
}

// KeptLogin is a login that has not been cleared away yet.
type KeptLogin struct {
	ID        id.ID      `json:"id"`
	Kind      string     `json:"kind"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	UsedAt    *time.Time `json:"used_at,omitempty"`
	IP        string     `json:"ip,omitempty"`
	UserAgent string     `json:"user_agent,omitempty"`
}

// Kept gives what is kept of a member. Errors: NotFound.
func (m *Members) Kept(ctx context.Context, member id.ID) (Kept, error) {
	me, err := m.Me(ctx, member)
	if err != nil {
		return Kept{}, err
	}
	k := Kept{ID: me.ID, Email: me.Email, Name: me.Name, CreatedAt: me.CreatedAt, Proved: me.EmailProved, Operator: me.Operator, Factor: me.SecondFactor,
		Shops: make([]KeptShop, len(me.Shops)), Logins: []KeptLogin{}}
	for i, s := range me.Shops {
		k.Shops[i] = KeptShop{s.ShopID, s.Name, s.Role}
	}
	rows, err := m.store.SessionsOf(ctx, member)
	for _, r := range rows {
		k.Logins = append(k.Logins, KeptLogin{r.ID, r.Kind, r.CreatedAt, r.ExpiresAt, r.RevokedAt, r.UsedAt, r.IP, r.UserAgent})
	}
	return k, err
}

// ErasedName is what others read in place of the name of a member who has left.
const ErasedName = "탈퇴한 회원"

// Erase takes a member's account away in the transaction of ctx: e-mail, name, password, second factors, logins, seats in shops, invitations. The id
// stays, so that orders and talks still say that they are one person's. What it was is answered, for whom the law makes
// keep it. Errors: NotFound; Conflict last_owner while a shop would have no owner left.
func (m *Members) Erase(ctx context.Context, member id.ID) (was Member, err error) {
	err = m.store.Tx(ctx, func(ctx context.Context) error {
		row, err := m.store.LockMember(ctx, member)
		if err != nil {
			return missing("member", err)
		}
		was = public(row)
		if err := m.leaveShops(ctx, member); err != nil {
			return err
		}
		if err := m.store.EraseMember(ctx, member, row.Email, ErasedName, m.now()); err != nil {
			return err
		}
		db.AfterCommit(ctx, func() { m.tell(Notice{Member: member}) })
		return nil
	})
	return was, err
}

// leaveShops takes every seat of a member back. The shops are locked one after the other, in the order of their ids.
func (m *Members) leaveShops(ctx context.Context, member id.ID) error {
	shops, err := m.shopsOf(ctx, []id.ID{member})
	if err != nil {
		return err
	}
	for _, s := range shops[member] {
		if _, err := m.store.LockShop(ctx, s.ShopID); err != nil {
			return err
		}
		r, err := m.roster(ctx, s.ShopID)
		if err != nil {
			return err
		}
		if role, is := r.role(member); is && r.onlyOwner(member, role) {
			return fault.New(fault.Conflict, "last_owner", "Give your shop another owner first: a shop keeps at least one.")
		}
		if err := m.store.DeleteStaff(ctx, s.ShopID, member); err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
	}
	return nil
}
