package member

import (
	"context"
	"time"

	"mall/modules/member/internal/store"
	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// Member is a person with an account, as the person sees it.
type Member struct {
	ID        id.ID
	Email     string
	Name      string
	CreatedAt time.Time
}

// Me is a member with what they may act for.
type Me struct {
	Member

	Operator bool
	Shops    []identity.ShopRole
}

// SignUp makes an account. Errors: Invalid (email, name or password), Conflict email_taken, Busy.
func (m *Members) SignUp(ctx context.Context, email, plain, name string) (Member, error) {
	row, err := m.newMember(email, plain, name)
	if err != nil {
		return Member{}, err
	}
	switch _, err := m.store.MemberByEmail(ctx, row.Email); { // a hash is dear: look first
	case err == nil:
		return Member{}, emailTaken()
	case fault.KindOf(err) != fault.NotFound:
		return Member{}, err
	}
	slot, err := m.hasher.Acquire(ctx)
	if err != nil {
		return Member{}, err
	}
	row.PasswordHash = slot.Hash(plain)
	slot.Release()
	if err := m.insertOnce(ctx, row); err != nil {
		if fault.KindOf(err) == fault.Conflict {
			return Member{}, emailTaken()
		}
		return Member{}, err
	}
	return public(row), nil
}

func (m *Members) insertOnce(ctx context.Context, row store.Member) error {
	return m.store.TxOnce(ctx, func(ctx context.Context) error { return m.store.InsertMembers(ctx, row) },
		func(ctx context.Context) (bool, error) {
			found, err := m.store.Members(ctx, []id.ID{row.ID})
			return len(found) == 1, err
		})
}

// newMember checks what a person typed.
func (m *Members) newMember(email, plain, name string) (store.Member, error) {
	normal, ok := normalEmail(email)
	if !ok {
		return store.Member{}, fault.Invalidf("email", "invalid_email", "That is no e-mail address we can use.")
	}
	clean, err := cleanName(name, maxName)
	if err != nil {
		return store.Member{}, err
	}
	if err := checkPassword(plain, normal); err != nil {
		return store.Member{}, err
	}
	return store.Member{ID: id.New(), Email: normal, Name: clean, CreatedAt: m.now()}, nil
}

// byEmail finds an account. What is no address is not looked for: the column holds ASCII, and MySQL would leave
// its index to compare it with anything else.
func (m *Members) byEmail(ctx context.Context, email string) (store.Member, error) {
	normal, ok := normalEmail(email)
	if !ok {
		return store.Member{}, fault.Missing("member")
	}
	return m.store.MemberByEmail(ctx, normal)
}

func emailTaken() error {
	return &fault.Error{Kind: fault.Conflict, Code: "email_taken", Field: "email", Message: "This e-mail address has an account already."}
}

func public(row store.Member) Member {
	return Member{ID: row.ID, Email: row.Email, Name: row.Name, CreatedAt: row.CreatedAt}
}

// Me reads a member's own account. Errors: NotFound.
func (m *Members) Me(ctx context.Context, member id.ID) (Me, error) {
	rows, err := m.store.Members(ctx, []id.ID{member})
	if err != nil {
		return Me{}, err
	}
	if len(rows) == 0 {
		return Me{}, fault.Missing("member")
	}
	shops, err := m.shopsOf(ctx, []id.ID{member})
	return Me{Member: public(rows[0]), Operator: rows[0].Operator, Shops: shops[member]}, err
}

// SetOperator makes a member run the mall, or no longer; nothing that comes over HTTP calls it. Errors: NotFound.
func (m *Members) SetOperator(ctx context.Context, member id.ID, operator bool) error {
	return m.change(ctx, Notice{Member: member}, func(ctx context.Context) error {
		return missing("member", m.store.SetOperator(ctx, member, operator))
	})
}

// Find reads the account with that e-mail; for programs only, since it tells who has one. Errors: NotFound.
func (m *Members) Find(ctx context.Context, email string) (Member, error) {
	row, err := m.byEmail(ctx, email)
	if err != nil {
		return Member{}, missing("member", err)
	}
	return public(row), nil
}

// Ban keeps a member out and ends all sessions; nothing that comes over HTTP calls it. Errors: NotFound.
func (m *Members) Ban(ctx context.Context, member id.ID) error {
	return m.change(ctx, Notice{Member: member}, func(ctx context.Context) error {
		now := m.now()
		if err := m.store.SetBanned(ctx, member, &now); err != nil {
			return missing("member", err)
		}
		return m.store.EndSessionsOf(ctx, member, now)
	})
}

// Unban lets a member log in again. Errors: NotFound.
func (m *Members) Unban(ctx context.Context, member id.ID) error {
	return m.change(ctx, Notice{Member: member}, func(ctx context.Context) error {
		return missing("member", m.store.SetBanned(ctx, member, nil))
	})
}

// change runs fn in a transaction and tells of it once that has committed.
func (m *Members) change(ctx context.Context, n Notice, fn func(ctx context.Context) error) error {
	return m.changeOnce(ctx, n, fn, nil)
}

// changeOnce is change that asks stored whether the change is there when nobody knows.
func (m *Members) changeOnce(ctx context.Context, n Notice, fn func(ctx context.Context) error, stored func(ctx context.Context) (bool, error)) error {
	return m.store.TxOnce(ctx, func(ctx context.Context) error {
		if err := fn(ctx); err != nil {
			return err
		}
		db.AfterCommit(ctx, func() { m.tell(ctx, n) })
		return nil
	}, stored)
}

// missing words an absent row for the outside.
func missing(what string, err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return fault.Missing(what)
	}
	return err
}
