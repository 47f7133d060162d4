// Package demo is what the mall shows whoever tries it out: people whose passwords everybody knows, what two shops
// sell, and their talks. Its drawings are the pictures of all products.
package demo

import (
	"context"
	"fmt"
	"log/slog"

	"mall/modules/mall"
	"mall/modules/member"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

const password = "demo-mall-2026" //nolint:gosec // a demo that nobody can log in to shows nothing

// Logins tells whoever has started the mall how to log in.
const Logins = `
Demo logins (password ` + password + `)

  buyers    buyer@demo.mall  buyer2@demo.mall
  달빛상점  moon@demo.mall (owner)  moon.agent@demo.mall (agent)
  숲속공방  forest@demo.mall (owner)
  operator  operator@demo.mall
`

// The demo's ids never change, so that seeding twice changes nothing.
var (
	buyerID, buyer2ID        = fixed(1), fixed(2)
	moonOwnerID, moonAgentID = fixed(3), fixed(4)
	forestOwnerID            = fixed(5)
	operatorID               = fixed(6)
	moonShopID, forestShopID = fixed(0x11), fixed(0x12)
)

func fixed(n int) id.ID { return id.MustParse(fmt.Sprintf("0193a000-0000-7000-8000-%012x", n)) }

// Open lets the demo's people in and makes what they have, before the mall opens.
func Open(ctx context.Context, m *mall.Mall) error {
	if err := m.Members.UnlockDemo(ctx, accounts()); err != nil {
		return err
	}
	return seed(ctx, m)
}

// Lock keeps the demo's people out of a mall that is no demo, in case it was one once: their passwords are known to
// everybody.
func Lock(ctx context.Context, m *mall.Mall, log *slog.Logger) error {
	locked, err := m.Members.LockDemo(ctx, accounts())
	if locked > 0 {
		log.WarnContext(ctx, "this mall was a demo once: the demo's accounts are locked; "+
			"its shops, products, orders and talks are still there", slog.Int("accounts", locked))
	}
	return err
}

func accounts() []id.ID {
	people := people().Members
	ids := make([]id.ID, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	return ids
}

// seed fills the mall with people, shops, products, orders and talks. Everything has ids of its own, so
// a second start, or a second instance at the same time, adds nothing.
func seed(ctx context.Context, m *mall.Mall) error {
	if err := m.Members.Seed(ctx, people()); err != nil {
		return err
	}
	goods := catalogue(moonShopID, forestShopID)
	if err := m.Products.Seed(ctx, goods); err != nil {
		return err
	}
	for _, t := range talks(goods) {
		if err := t.play(ctx, m.Orders, m.Chat); err != nil {
			return err
		}
	}
	return nil
}

func people() member.Seed {
	person := func(x id.ID, email, name string, operator bool) member.SeedMember {
		return member.SeedMember{ID: x, Email: email, Password: password, Name: name, Operator: operator}
	}
	return member.Seed{
		Members: []member.SeedMember{
			person(buyerID, "buyer@demo.mall", "김하늘", false), person(buyer2ID, "buyer2@demo.mall", "이서준", false),
			person(moonOwnerID, "moon@demo.mall", "박달님", false), person(moonAgentID, "moon.agent@demo.mall", "최지민", false),
			person(forestOwnerID, "forest@demo.mall", "정숲이", false), person(operatorID, "operator@demo.mall", "운영자", true),
		},
		Shops: []member.SeedShop{{ID: moonShopID, Name: "달빛상점"}, {ID: forestShopID, Name: "숲속공방"}},
		Staff: []member.SeedStaff{
			{Shop: moonShopID, Member: moonOwnerID, Role: identity.RoleOwner}, {Shop: moonShopID, Member: moonAgentID, Role: identity.RoleAgent},
			{Shop: forestShopID, Member: forestOwnerID, Role: identity.RoleOwner},
		},
	}
}
