package product_test

import (
	"context"
	"testing"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/testservers"
	"mall/modules/product"
)

// changes are what staff may do with a product of the moon shop; each gets a product of its own.
func (s stall) changes(t *testing.T) map[string]func(ctx context.Context) error {
	t.Helper()
	price, name, hidden := int64(1), "다른 이름", true
	edit := func(e product.Edit) func(context.Context) error {
		p := s.make(s.owner, t, s.moon, nil)
		return func(ctx context.Context) error { _, err := s.Edit(ctx, p.ID, e); return err }
	}
	gone, counted := s.make(s.owner, t, s.moon, nil), s.make(s.owner, t, s.moon, nil)
	return map[string]func(context.Context) error{
		"create": func(ctx context.Context) error { _, err := s.Create(ctx, s.moon, mug()); return err },
		"price":  edit(product.Edit{PriceWon: &price}),
		"name":   edit(product.Edit{Name: &name}),
		"hide":   edit(product.Edit{Hidden: &hidden}),
		"delete": func(ctx context.Context) error { return s.Delete(ctx, gone.ID) },
		"stock":  func(ctx context.Context) error { _, err := s.AdjustStock(ctx, counted.ID, -1); return err },
	}
}

func TestAgentsCountTheStockAndTheOwnerLetsThemDoMore(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newStall(t, d)
		for name, change := range s.changes(t) {
			err := change(s.agent)
			if name == "stock" {
				if err != nil {
					t.Errorf("stock: %v", err)
				}
				continue
			}
			wantFault(t, err, fault.Forbidden, "forbidden", "")
		}
		page, err := s.ListShop(s.owner, s.moon, "", 100)
		if err != nil || len(page.Items) != 5 {
			t.Errorf("%d products, %v", len(page.Items), err)
		}
		for _, p := range page.Items {
			if p.Name != "달빛 머그컵" || p.PriceWon != 14900 || p.Hidden {
				t.Errorf("a refused change left its mark: %+v", p)
			}
		}
		_, err = s.Create(s.agent, s.moon, product.Draft{}) // whatever is in it
		wantFault(t, err, fault.Forbidden, "forbidden", "")
		s.shops.lets[s.moon] = true
		for name, change := range s.changes(t) {
			if err := change(s.agent); err != nil {
				t.Errorf("%s, with the owner's leave: %v", name, err)
			}
		}
		s.shops.lets[s.moon] = false
		for name, change := range s.changes(t) {
			if err := change(s.manager); err != nil {
				t.Errorf("%s by a manager: %v", name, err)
			}
		}
	})
}

// Who was removed, or made an agent, changes nothing more, though the principal still remembers the old role: no news
// of it need have arrived.
func TestWhatThePrincipalRemembersIsNotEnough(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newStall(t, d)
		fired, demoted := s.shops.as(t.Context(), s.moon, identity.RoleOwner), s.shops.as(t.Context(), s.moon, identity.RoleManager)
		s.shops.remove(fired, t, s.moon)
		p, err := identity.From(demoted)
		if err != nil {
			t.Fatal(err)
		}
		s.shops.roles[[2]id.ID{s.moon, p.MemberID}] = identity.RoleAgent
		for name, change := range s.changes(t) {
			wantFault(t, change(fired), fault.NotFound, "not_found", "")
			if name != "stock" {
				wantFault(t, change(demoted), fault.Forbidden, "forbidden", "")
			}
		}
	})
}

// A role that does not count for the moment, as for want of a second factor that is demanded, is not in the principal; that
// the database has it is not enough.
func TestARoleThatIsWithheldChangesNothing(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newStall(t, d)
		owner, err := identity.From(s.shops.as(t.Context(), s.moon, identity.RoleOwner))
		if err != nil {
			t.Fatal(err)
		}
		withheld := identity.With(t.Context(), &identity.Principal{MemberID: owner.MemberID, FactorDemanded: true})
		for name, change := range s.changes(t) {
			if err := change(withheld); fault.KindOf(err) != fault.NotFound {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// What the program may never write, the database does not keep either.
func TestTheDatabaseKnowsTheCategories(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newStall(t, d)
		s.make(s.owner, t, s.moon, nil)
		for _, statement := range []string{
			"UPDATE product_products SET category = 'cars'", "UPDATE product_products SET category = 'HOME'",
			"UPDATE product_products SET hidden = 2", "UPDATE product_products SET deleted = 7",
		} {
			if _, err := d.SQL().ExecContext(t.Context(), statement); err == nil {
				t.Errorf("%s: taken", statement)
			}
		}
		for _, category := range product.Categories {
			s.make(s.owner, t, s.moon, func(d *product.Draft) { d.Category = category })
		}
	})
}
