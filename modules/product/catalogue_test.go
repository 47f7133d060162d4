package product_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"mall/modules/platform/db"
	"mall/modules/platform/fault"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/testservers"
	"mall/modules/product"
)

// shops stands for the member module: what the database says, which is not always what a principal remembers.
type shops struct {
	mu    sync.Mutex
	names map[id.ID]string
	roles map[[2]id.ID]identity.Role
	lets  map[id.ID]bool // shops whose owners let agents edit products
}

func (s *shops) ShopNames(_ context.Context, shops []id.ID) (map[id.ID]string, error) {
	out := map[id.ID]string{}
	for _, x := range shops {
		if name, ok := s.names[x]; ok {
			out[x] = name
		}
	}
	return out, nil
}

func (s *shops) StaffRole(_ context.Context, shop, member id.ID) (identity.Role, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.roles[[2]id.ID{shop, member}], nil
}

func (s *shops) AgentsEditProducts(_ context.Context, shop id.ID) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lets[shop], nil
}

// as is somebody new of the shop's staff.
func (s *shops) as(ctx context.Context, shop id.ID, role identity.Role) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	member := id.New()
	s.roles[[2]id.ID{shop, member}] = role
	return identity.With(ctx, &identity.Principal{MemberID: member, Shops: []identity.ShopRole{{ShopID: shop, Role: role}}})
}

// remove takes whoever calls with ctx off the shop's staff; their principal does not learn of it.
func (s *shops) remove(ctx context.Context, t *testing.T, shop id.ID) {
	t.Helper()
	p, err := identity.From(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.roles, [2]id.ID{shop, p.MemberID})
}

// sketches are pictures that tell what they were asked to show.
type sketches struct{}

func (sketches) Draw(product id.ID, category string) []byte {
	return fmt.Appendf(nil, `<svg id="%s" class="%s"/>`, product, category)
}

func (sketches) DrawHidden(product id.ID) []byte { return fmt.Appendf(nil, `<svg id="%s"/>`, product) }

// stall is a catalogue with two shops; its contexts say who is calling.
type stall struct {
	*product.Catalogue
	db                                *db.DB
	shops                             *shops
	moon, forest                      id.ID
	owner, manager, agent, rival, pub context.Context // pub: nobody is logged in
}

func newStall(t *testing.T, d *db.DB) stall {
	t.Helper()
	s := stall{db: d, moon: id.New(), forest: id.New(), pub: t.Context()}
	s.shops = &shops{names: map[id.ID]string{s.moon: "달빛상점", s.forest: "숲속공방"}, roles: map[[2]id.ID]identity.Role{}, lets: map[id.ID]bool{}}
	s.Catalogue = product.New(d, s.shops, sketches{})
	s.owner = s.shops.as(t.Context(), s.moon, identity.RoleOwner)
	s.manager = s.shops.as(t.Context(), s.moon, identity.RoleManager)
	s.agent = s.shops.as(t.Context(), s.moon, identity.RoleAgent)
	s.rival = s.shops.as(t.Context(), s.forest, identity.RoleOwner)
	return s
}

func mug() product.Draft {
	return product.Draft{Name: "달빛 머그컵", Description: "도자기", Category: "home", PriceWon: 14900, Stock: 10}
}

func (s stall) make(ctx context.Context, t *testing.T, shop id.ID, change func(*product.Draft)) product.Product {
	t.Helper()
	d := mug()
	if change != nil {
		change(&d)
	}
	p, err := s.Create(ctx, shop, d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s stall) stock(t *testing.T, product id.ID) int64 {
	t.Helper()
	p, err := s.Get(s.owner, product)
	if err != nil {
		t.Fatal(err)
	}
	return p.Stock
}

func names(page product.Page) []string {
	out := make([]string, len(page.Items))
	for i, p := range page.Items {
		out[i] = p.Name
	}
	return out
}

func wantFault(t *testing.T, err error, kind fault.Kind, code, field string) {
	t.Helper()
	f, ok := fault.As(err)
	if !ok || f.Kind != kind || f.Code != code || f.Field != field {
		t.Errorf("got %v (kind %d), want kind %d, code %q, field %q", err, fault.KindOf(err), kind, code, field)
	}
}

func TestWhatIsCreatedIsThere(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newStall(t, d)
		made := s.make(s.manager, t, s.moon, func(d *product.Draft) {
			d.Name, d.ListPriceWon = "  이모지 🧶 머그컵 ", 20000
			d.Description = "첫 줄\r\n둘째 줄"
		})
		got, err := s.Get(s.pub, made.ID)
		if err != nil {
			t.Fatal(err)
		}
		made.SearchName = "" // is not read back
		if diff := cmp.Diff(made, got); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		if got.Name != "이모지 🧶 머그컵" || got.Description != "첫 줄\n둘째 줄" || got.ShopID != s.moon {
			t.Errorf("got %+v", got)
		}
	})
}

// Nobody learns from an unsafe call whether a product of another shop exists.
func TestOnlyTheShopsStaffChangesAProduct(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newStall(t, d)
		p := s.make(s.owner, t, s.moon, nil)
		price := int64(1)
		for name, call := range map[string]func(context.Context, id.ID) error{
			"edit": func(ctx context.Context, x id.ID) error {
				_, err := s.Edit(ctx, x, product.Edit{PriceWon: &price})
				return err
			},
			"delete": func(ctx context.Context, x id.ID) error { return s.Delete(ctx, x) },
			"stock": func(ctx context.Context, x id.ID) error {
				_, err := s.AdjustStock(ctx, x, 1)
				return err
			},
		} {
			wantFault(t, call(s.pub, p.ID), fault.Unauthenticated, "unauthenticated", "")
			theirs, absent := call(s.rival, p.ID), call(s.rival, id.New())
			wantFault(t, theirs, fault.NotFound, "not_found", "")
			if theirs == nil || theirs.Error() != absent.Error() {
				t.Errorf("%s: another shop's product answers %v, an absent one %v", name, theirs, absent)
			}
		}
		_, err := s.Create(s.rival, s.moon, mug())
		wantFault(t, err, fault.NotFound, "not_found", "")
		_, err = s.Create(s.pub, s.moon, mug())
		wantFault(t, err, fault.Unauthenticated, "unauthenticated", "")
		_, err = s.ListShop(s.rival, s.moon, "", 10)
		wantFault(t, err, fault.NotFound, "not_found", "")
		if got, _ := s.Get(s.pub, p.ID); got.PriceWon != p.PriceWon || got.Stock != p.Stock {
			t.Errorf("the product was changed: %+v", got)
		}
	})
}

func TestHiddenIsForStaffAndDeletedForNobody(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newStall(t, d)
		seen := s.make(s.owner, t, s.moon, func(d *product.Draft) { d.Name = "보임" })
		hidden := s.make(s.owner, t, s.moon, func(d *product.Draft) { d.Name, d.Hidden = "숨김", true })
		gone := s.make(s.owner, t, s.moon, func(d *product.Draft) { d.Name = "지움" })
		if err := s.Delete(s.owner, gone.ID); err != nil {
			t.Fatal(err)
		}
		for _, ctx := range []context.Context{s.pub, s.rival} {
			_, err := s.Get(ctx, hidden.ID)
			wantFault(t, err, fault.NotFound, "not_found", "")
		}
		if _, err := s.Get(s.agent, hidden.ID); err != nil {
			t.Errorf("staff do not find their hidden product: %v", err)
		}
		_, err := s.Get(s.owner, gone.ID)
		wantFault(t, err, fault.NotFound, "not_found", "")
		wantFault(t, s.Delete(s.owner, gone.ID), fault.NotFound, "not_found", "")

		front, err := s.List(s.owner, product.Filter{Shop: s.moon}, "", 10)
		if diff := cmp.Diff([]string{"보임"}, names(front)); err != nil || diff != "" {
			t.Errorf("front: %v\n%s", err, diff)
		}
		console, err := s.ListShop(s.agent, s.moon, "", 10)
		if diff := cmp.Diff([]string{"숨김", "보임"}, names(console)); err != nil || diff != "" {
			t.Errorf("console: %v\n%s", err, diff)
		}
		found, err := s.List(s.pub, product.Filter{Query: "지움"}, "", 10)
		if err != nil || len(found.Items) != 0 {
			t.Errorf("search finds the deleted one: %v, %v", names(found), err)
		}
		cards, err := s.Cards(s.pub, []id.ID{seen.ID, hidden.ID, gone.ID, id.New()})
		want := map[id.ID]product.Card{
			seen.ID:   {ID: seen.ID, ShopID: s.moon, Name: "보임", PriceWon: 14900, ImageURL: product.ImageURL(seen.ID)},
			hidden.ID: {ID: hidden.ID, ShopID: s.moon, Name: "숨김", PriceWon: 14900, ImageURL: product.ImageURL(hidden.ID), Hidden: true},
			gone.ID:   {ID: gone.ID, ShopID: s.moon, Name: "지움", PriceWon: 14900, ImageURL: product.ImageURL(gone.ID), Deleted: true},
		}
		if diff := cmp.Diff(want, cards); err != nil || diff != "" {
			t.Errorf("cards: %v\n%s", err, diff)
		}
		bare := product.Card{ID: hidden.ID, ShopID: s.moon, ImageURL: product.ImageURL(hidden.ID), Hidden: true}
		if diff := cmp.Diff([]product.Card{want[seen.ID], bare}, []product.Card{cards[seen.ID].Public(), cards[hidden.ID].Public()}); diff != "" {
			t.Errorf("what everybody may see (-want +got):\n%s", diff)
		}
	})
}

func TestListPagesNewestFirst(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newStall(t, d)
		var want []string
		for i := range 23 {
			name := fmt.Sprintf("상품 %02d", i)
			ctx, shop, category := s.owner, s.moon, "home"
			if i%3 == 0 {
				ctx, shop, category = s.rival, s.forest, "food"
			}
			s.make(ctx, t, shop, func(d *product.Draft) { d.Name, d.Category = name, category })
			want = append([]string{name}, want...)
		}
		for _, tc := range []struct {
			name   string
			filter product.Filter
			keep   func(i int) bool // i counts from the oldest
		}{
			{"all", product.Filter{}, func(int) bool { return true }},
			{"category", product.Filter{Category: "food"}, func(i int) bool { return i%3 == 0 }},
			{"shop", product.Filter{Shop: s.moon}, func(i int) bool { return i%3 != 0 }},
			{"shop and category", product.Filter{Shop: s.forest, Category: "food"}, func(i int) bool { return i%3 == 0 }},
			{"none", product.Filter{Shop: s.forest, Category: "home"}, func(int) bool { return false }},
			{"search", product.Filter{Query: "상품1"}, func(i int) bool { return i >= 10 && i < 20 }},
			{"search in a category", product.Filter{Query: "상품", Category: "food"}, func(i int) bool { return i%3 == 0 }},
		} {
			var wanted, got []string
			for j, name := range want {
				if tc.keep(len(want) - 1 - j) {
					wanted = append(wanted, name)
				}
			}
			for token, more := "", true; more; {
				page, err := s.List(s.pub, tc.filter, token, 4)
				if err != nil || len(page.Items) > 4 {
					t.Fatalf("%s: %d items, %v", tc.name, len(page.Items), err)
				}
				if len(got) == 0 && len(page.Items) > 0 { // what arrives while one pages does not move the pages
					s.make(s.owner, t, s.moon, func(d *product.Draft) { d.Name, d.Hidden = "상품 새것", true })
				}
				got = append(got, names(page)...)
				token, more = page.Next, page.Next != ""
			}
			if diff := cmp.Diff(wanted, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.name, diff)
			}
		}
		for _, token := range []string{"x", "AAAA", strings.Repeat("A", 23), "!!!!"} {
			_, err := s.List(s.pub, product.Filter{}, token, 4)
			wantFault(t, err, fault.Invalid, "bad_cursor", "cursor")
		}
		_, err := s.List(s.pub, product.Filter{Category: "cars"}, "", 4)
		wantFault(t, err, fault.Invalid, "unknown_category", "category")
	})
}

func TestSearchFindsPartsOfWords(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newStall(t, d)
		for _, name := range []string{
			"달빛 머그컵 350ml", "이중 유리컵 2개 세트", "손뜨개 울 목도리 (아이보리)", "USB-C 충전 케이블", "커피머신 그라인더",
			"\u1109\u116e\u11be\u1107\u116e\u11af", // 숯불, its letters apart
			"100% 면 티셔츠", "A_B 노트",
		} {
			s.make(s.owner, t, s.moon, func(d *product.Draft) { d.Name = name })
		}
		for _, tc := range []struct {
			q    string
			want []string
		}{
			{"머그컵", []string{"달빛 머그컵 350ml"}},
			{"머그 컵", []string{"달빛 머그컵 350ml"}},
			{"빛머그", []string{"달빛 머그컵 350ml"}}, // spaces do not count
			{"컵", []string{"이중 유리컵 2개 세트", "달빛 머그컵 350ml"}},
			{"컵 세트", []string{"이중 유리컵 2개 세트"}},
			{"울목도리", []string{"손뜨개 울 목도리 (아이보리)"}},
			{"usb", []string{"USB-C 충전 케이블"}},
			{"USB 충전", []string{"USB-C 충전 케이블"}},
			{"머신 그라", []string{"커피머신 그라인더"}},
			{"숯불", []string{"숯불"}},
			{"숯", []string{"숯불"}},
			{"\u1109\u116e\u11be", []string{"숯불"}},
			{"머그 없는말", nil},
			{"그컵머", nil}, // has the name's characters, not its text
			{"%", []string{"100% 면 티셔츠"}},
			{"_", []string{"A_B 노트"}},
			{"a_b", []string{"A_B 노트"}},
			{"0%", []string{"100% 면 티셔츠"}},
			{"' OR 1=1 --", nil},
			{"\\", nil},
		} {
			page, err := s.List(s.pub, product.Filter{Query: tc.q}, "", 10)
			if err != nil {
				t.Fatal(err)
			}
			if got := names(page); len(got)+len(tc.want) > 0 && !cmp.Equal(got, tc.want) {
				t.Errorf("%q finds %q, want %q", tc.q, got, tc.want)
			}
		}
		for _, q := range []string{"", "  \u3000 "} {
			page, err := s.List(s.pub, product.Filter{Query: q}, "", 100)
			if err != nil || len(page.Items) != 8 {
				t.Errorf("%q is no search, but gives %d, %v", q, len(page.Items), err)
			}
		}
		_, err := s.List(s.pub, product.Filter{Query: "머\xff"}, "", 10)
		wantFault(t, err, fault.Invalid, "invalid_text", "q")
	})
}

func TestEditChangesTheGivenFields(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newStall(t, d)
		p := s.make(s.owner, t, s.moon, nil)
		price, name, hide := int64(9900), "별빛 물컵", true
		got, err := s.Edit(s.manager, p.ID, product.Edit{PriceWon: &price})
		if err != nil || got.PriceWon != price || got.Name != p.Name || got.Stock != p.Stock || got.Description != p.Description {
			t.Fatalf("price: %+v, %v", got, err)
		}
		if _, err = s.Edit(s.manager, p.ID, product.Edit{Name: &name}); err != nil {
			t.Fatal(err)
		}
		for q, found := range map[string]int{"머그": 0, "별빛": 1, "물컵": 1, "컵": 1} {
			page, err := s.List(s.pub, product.Filter{Query: q}, "", 10)
			if err != nil || len(page.Items) != found {
				t.Errorf("after the new name %q finds %d, want %d (%v)", q, len(page.Items), found, err)
			}
		}
		if _, err = s.Edit(s.manager, p.ID, product.Edit{Hidden: &hide}); err != nil {
			t.Fatal(err)
		}
		if _, err = s.Get(s.pub, p.ID); fault.KindOf(err) != fault.NotFound {
			t.Errorf("hidden, but %v", err)
		}
		bad, empty := int64(-1), " \u200d "
		_, err = s.Edit(s.manager, p.ID, product.Edit{PriceWon: &bad})
		wantFault(t, err, fault.Invalid, "out_of_range", "price_won")
		_, err = s.Edit(s.manager, p.ID, product.Edit{Name: &empty})
		wantFault(t, err, fault.Invalid, "empty", "name")
		got, err = s.Get(s.agent, p.ID)
		if err != nil || got.Name != name || got.PriceWon != price {
			t.Errorf("a refused edit left its mark: %+v, %v", got, err)
		}
	})
}

func TestSeedingTwiceChangesNothing(t *testing.T) {
	testservers.Databases(t, func(t *testing.T, d *db.DB) {
		s := newStall(t, d)
		older, newest := id.New(), id.New() // ids grow with time
		demo := []product.SeedProduct{{ID: newest, ShopID: s.forest, Draft: mug()}, {ID: older, ShopID: s.moon, Draft: mug()}}
		demo[0].Name = "새 머그컵"
		var g errgroup.Group
		for range 3 { // instances that start at once
			g.Go(func() error { return s.Seed(s.pub, demo) })
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		price := int64(1)
		if _, err := s.Edit(s.owner, demo[1].ID, product.Edit{PriceWon: &price}); err != nil {
			t.Fatal(err)
		}
		if err := s.Seed(s.pub, demo); err != nil {
			t.Fatal(err)
		}
		page, err := s.List(s.pub, product.Filter{}, "", 100)
		if err != nil || len(page.Items) != len(demo) {
			t.Fatalf("%d products, want %d (%v)", len(page.Items), len(demo), err)
		}
		if page.Items[0].Name != demo[0].Name {
			t.Errorf("the first of the catalogue is to be the newest, got %q", page.Items[0].Name)
		}
		if got, err := s.Get(s.pub, demo[1].ID); err != nil || got.PriceWon != 1 {
			t.Errorf("seeding again undid an edit: %+v, %v", got, err)
		}
	})
}
