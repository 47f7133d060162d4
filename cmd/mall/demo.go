package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"mall/modules/chat"
	"mall/modules/mall"
	"mall/modules/member"
	"mall/modules/order"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/product"
)

const demoPassword = "demo-mall-2026" //nolint:gosec // a demo that nobody can log in to shows nothing

const demoLogins = `
Demo logins (password ` + demoPassword + `)

  buyers    buyer@demo.mall  buyer2@demo.mall
  달빛상점  moon@demo.mall (owner)  moon.agent@demo.mall (agent)
  숲속공방  forest@demo.mall (owner)
  operator  operator@demo.mall
`

// The demo's ids never change, so that seeding twice changes nothing.
var (
	demoBuyer      = demoID(1)
	demoBuyer2     = demoID(2)
	demoMoon       = demoID(3)
	demoMoonAgent  = demoID(4)
	demoForest     = demoID(5)
	demoOperator   = demoID(6)
	demoMoonShop   = demoID(0x11)
	demoForestShop = demoID(0x12)
)

func demoID(n int) id.ID { return id.MustParse(fmt.Sprintf("0193a000-0000-7000-8000-%012x", n)) }

// startDemo lets the demo's people in and seeds what they have; where the mall is no demo it keeps them out, in case it was
// one once: their passwords are known to everybody.
func startDemo(ctx context.Context, s mall.Settings, m *mall.Mall, log *slog.Logger) error {
	if s.IsDemo() {
		if err := m.Members.UnlockDemo(ctx, demoAccounts()); err != nil {
			return err
		}
		return seedDemo(ctx, m)
	}
	locked, err := m.Members.LockDemo(ctx, demoAccounts())
	if locked > 0 {
		log.WarnContext(ctx, "this mall was a demo once: the demo's accounts are locked; its shops, products, orders and talks are still there",
			slog.Int("accounts", locked))
	}
	return err
}

func demoAccounts() []id.ID {
	people := demoPeople().Members
	ids := make([]id.ID, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	return ids
}

// seedDemo fills the mall with people, shops, products, orders and talks. Everything has ids of its own, so
// a second start, or a second instance at the same time, adds nothing.
func seedDemo(ctx context.Context, m *mall.Mall) error {
	if err := m.Members.Seed(ctx, demoPeople()); err != nil {
		return err
	}
	goods := product.DemoCatalogue(demoMoonShop, demoForestShop)
	if err := m.Products.Seed(ctx, goods); err != nil {
		return err
	}
	for _, t := range demoTalks(goods) {
		if err := t.play(ctx, m.Orders, m.Chat); err != nil {
			return err
		}
	}
	return nil
}

func demoPeople() member.Seed {
	person := func(x id.ID, email, name string, operator bool) member.SeedMember {
		return member.SeedMember{ID: x, Email: email, Password: demoPassword, Name: name, Operator: operator}
	}
	return member.Seed{
		Members: []member.SeedMember{
			person(demoBuyer, "buyer@demo.mall", "김하늘", false), person(demoBuyer2, "buyer2@demo.mall", "이서준", false),
			person(demoMoon, "moon@demo.mall", "박달님", false), person(demoMoonAgent, "moon.agent@demo.mall", "최지민", false),
			person(demoForest, "forest@demo.mall", "정숲이", false), person(demoOperator, "operator@demo.mall", "운영자", true),
		},
		Shops: []member.SeedShop{{ID: demoMoonShop, Name: "달빛상점"}, {ID: demoForestShop, Name: "숲속공방"}},
		Staff: []member.SeedStaff{
			{Shop: demoMoonShop, Member: demoMoon, Role: identity.RoleOwner}, {Shop: demoMoonShop, Member: demoMoonAgent, Role: identity.RoleAgent},
			{Shop: demoForestShop, Member: demoForest, Role: identity.RoleOwner},
		},
	}
}

// demoTalk is a buyer's talk with a shop: about a product, or about an order that is placed first.
type demoTalk struct {
	key     string
	buyer   *identity.Principal
	staff   *identity.Principal
	shop    id.ID
	about   id.ID          // the product
	steps   []order.Status // of an order of the product; none: the talk is about the product itself
	ordered bool
	lines   []demoLine
	read    bool // both have read everything
}

type demoLine struct {
	shop bool
	text string
}

func demoTalks(goods []product.SeedProduct) []demoTalk {
	sky := &identity.Principal{MemberID: demoBuyer, Name: "김하늘"}
	seo := &identity.Principal{MemberID: demoBuyer2, Name: "이서준"}
	moon := staff(demoMoon, "박달님", demoMoonShop, "달빛상점", identity.RoleOwner)
	agent := staff(demoMoonAgent, "최지민", demoMoonShop, "달빛상점", identity.RoleAgent)
	forest := staff(demoForest, "정숲이", demoForestShop, "숲속공방", identity.RoleOwner)
	ours := func(shop id.ID, n int) id.ID { return nth(goods, shop, n) }
	return []demoTalk{
		{key: "mug", buyer: sky, staff: moon, shop: demoMoonShop, about: ours(demoMoonShop, 0), read: true, lines: []demoLine{
			{false, "안녕하세요! 머그컵 식기세척기에 넣어도 되나요?"}, {true, "네, 고객님. 식기세척기와 전자레인지 모두 사용하실 수 있어요 😊"},
			{false, "선물 포장도 가능할까요?"}, {true, "무료로 포장해 드립니다. 주문하실 때 메모에 적어 주세요."}, {false, "감사합니다!"}}},
		{key: "order-sky", buyer: sky, staff: agent, shop: demoMoonShop, about: ours(demoMoonShop, 1), ordered: true,
			steps: []order.Status{order.Paid, order.Preparing}, lines: []demoLine{
				{false, "주문한 티셔츠 언제쯤 출고되나요?"}, {true, "오늘 오후에 출고 예정입니다. 출고되면 알려 드릴게요."}}},
		{key: "order-seo", buyer: seo, staff: moon, shop: demoMoonShop, about: ours(demoMoonShop, 3), ordered: true,
			steps: []order.Status{order.Paid, order.Preparing, order.Shipped}, lines: []demoLine{
				{false, "머플러 배송 조회가 아직 안 돼요. 확인 부탁드려요."}}},
		{key: "lamp", buyer: seo, staff: forest, shop: demoForestShop, about: ours(demoForestShop, 0), lines: []demoLine{
			{false, "재고 있나요?"}, {true, "네, 있습니다. 오늘 주문하시면 내일 출고돼요."}, {false, "혹시 각인도 해 주시나요?"}}},
		{key: "forest-order", buyer: sky, staff: forest, shop: demoForestShop, about: ours(demoForestShop, 2), ordered: true,
			steps: []order.Status{order.Paid}, read: true, lines: []demoLine{
				{false, "두 개 따로 포장해 주실 수 있나요?"}, {true, "네, 그렇게 준비하겠습니다."}}},
	}
}

func staff(member id.ID, name string, shop id.ID, shopName string, role identity.Role) *identity.Principal {
	return &identity.Principal{MemberID: member, Name: name, Shops: []identity.ShopRole{{ShopID: shop, Name: shopName, Role: role}}}
}

// nth is the shop's n-th product.
func nth(goods []product.SeedProduct, shop id.ID, n int) id.ID {
	for _, g := range goods {
		if g.ShopID != shop {
			continue
		}
		if n == 0 {
			return g.ID
		}
		n--
	}
	return id.Nil
}

func (t demoTalk) play(ctx context.Context, orders *order.Orders, rooms *chat.Chat) error {
	about := chat.Subject{ProductID: t.about}
	if t.ordered {
		placed, err := t.order(ctx, orders)
		if err != nil {
			return err
		}
		about = chat.Subject{OrderID: placed}
	}
	room, err := rooms.Open(identity.With(ctx, t.buyer), t.shop, about)
	if err != nil {
		return err
	}
	var last int64
	for i, l := range t.lines {
		who := t.buyer
		if l.shop {
			who = t.staff
		}
		last, err = rooms.Say(identity.With(ctx, who), room, id.Derived(fmt.Sprintf("demo/%s/%d", t.key, i)), l.text)
		if err != nil {
			return err
		}
	}
	if !t.read {
		return nil
	}
	if err := rooms.Read(identity.With(ctx, t.buyer), room, last); err != nil {
		return err
	}
	return rooms.Read(identity.With(ctx, t.staff), room, last)
}

// order places the talk's order and takes it its steps. The key makes the second time find the first.
func (t demoTalk) order(ctx context.Context, orders *order.Orders) (id.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	o, placed, err := orders.Place(identity.With(ctx, t.buyer), order.Draft{ShopID: t.shop, ClientOrderID: id.Derived("demo/order/" + t.key),
		Lines: []product.Line{{ProductID: t.about, Quantity: 1}}})
	if err != nil || !placed {
		return o.ID, err
	}
	for _, to := range t.steps {
		who := t.staff
		if to == order.Paid {
			who = t.buyer
		}
		if o, err = orders.Step(identity.With(ctx, who), o.ID, to); err != nil {
			return id.Nil, err
		}
	}
	return o.ID, nil
}
