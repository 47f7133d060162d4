package demo

import (
	"context"
	"fmt"
	"time"

	"mall/modules/chat"
	"mall/modules/order"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/product"
)

// talk is a buyer's talk with a shop: about a product, or about an order that is placed first.
type talk struct {
	key     string
	buyer   *identity.Principal
	staff   *identity.Principal
	shop    id.ID
	about   id.ID          // the product
	steps   []order.Status // of an order of the product; none: the talk is about the product itself
	ordered bool
	lines   []line
	read    bool // both have read everything
}

type line struct {
	shop bool
	text string
}

func talks(goods []product.SeedProduct) []talk {
	sky := &identity.Principal{MemberID: buyerID, Name: "김하늘"}
	seo := &identity.Principal{MemberID: buyer2ID, Name: "이서준"}
	moon := staff(moonOwnerID, "박달님", moonShopID, "달빛상점", identity.RoleOwner)
	agent := staff(moonAgentID, "최지민", moonShopID, "달빛상점", identity.RoleAgent)
	forest := staff(forestOwnerID, "정숲이", forestShopID, "숲속공방", identity.RoleOwner)
	ours := func(shop id.ID, n int) id.ID { return nth(goods, shop, n) }
	return []talk{
		{key: "mug", buyer: sky, staff: moon, shop: moonShopID, about: ours(moonShopID, 0), read: true, lines: []line{
			{false, "안녕하세요! 머그컵 식기세척기에 넣어도 되나요?"}, {true, "네, 고객님. 식기세척기와 전자레인지 모두 사용하실 수 있어요 😊"},
			{false, "선물 포장도 가능할까요?"}, {true, "무료로 포장해 드립니다. 주문하실 때 메모에 적어 주세요."}, {false, "감사합니다!"}}},
		{key: "order-sky", buyer: sky, staff: agent, shop: moonShopID, about: ours(moonShopID, 1), ordered: true,
			steps: []order.Status{order.Paid, order.Preparing}, lines: []line{
				{false, "주문한 티셔츠 언제쯤 출고되나요?"}, {true, "오늘 오후에 출고 예정입니다. 출고되면 알려 드릴게요."}}},
		{key: "order-seo", buyer: seo, staff: moon, shop: moonShopID, about: ours(moonShopID, 3), ordered: true,
			steps: []order.Status{order.Paid, order.Preparing, order.Shipped}, lines: []line{
				{false, "머플러 배송 조회가 아직 안 돼요. 확인 부탁드려요."}}},
		{key: "lamp", buyer: seo, staff: forest, shop: forestShopID, about: ours(forestShopID, 0), lines: []line{
			{false, "재고 있나요?"}, {true, "네, 있습니다. 오늘 주문하시면 내일 출고돼요."}, {false, "혹시 각인도 해 주시나요?"}}},
		{key: "forest-order", buyer: sky, staff: forest, shop: forestShopID, about: ours(forestShopID, 2), ordered: true,
			steps: []order.Status{order.Paid}, read: true, lines: []line{
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

func (t talk) play(ctx context.Context, orders *order.Orders, rooms *chat.Chat) error {
	about := chat.Subject{ProductID: t.about}
	if t.ordered {
		placed, err := t.order(ctx, orders)
		if err != nil {
			return err
		}
		about = chat.Subject{OrderID: placed}
	}
	room, _, err := rooms.Open(identity.With(ctx, t.buyer), t.shop, about)
	if err != nil {
		return err
	}
	var last chat.Ack
	for i, l := range t.lines {
		who := t.buyer
		if l.shop {
			who = t.staff
		}
		last, err = rooms.Send(identity.With(ctx, who), chat.Draft{Room: room, Body: l.text,
			ClientMsgID: id.Derived(fmt.Sprintf("demo/%s/%d", t.key, i)), Asked: time.Now()})
		if err != nil {
			return err
		}
	}
	if !t.read {
		return nil
	}
	for _, who := range []*identity.Principal{t.buyer, t.staff} {
		if _, err := rooms.MoveCursor(identity.With(ctx, who), room, last.Seq, last.Seq); err != nil {
			return err
		}
	}
	return nil
}

// order places the talk's order and takes it its steps. The key makes the second time find the first.
func (t talk) order(ctx context.Context, orders *order.Orders) (id.ID, error) {
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
