package demo

import (
	"testing"

	"mall/modules/platform/id"
	"mall/modules/platform/testservers"
	"mall/modules/product"
)

// The catalogue is what everybody sees first: each of its products is one that a shop could sell as it is worded here.
func TestTheCatalogueIsFitToSell(t *testing.T) {
	moon, forest := id.New(), id.New()
	goods := catalogue(moon, forest)
	sold := product.New(testservers.Open(t, testservers.SQLite(t)), nil, Pictures{})
	if err := sold.Seed(t.Context(), goods); err != nil {
		t.Fatal(err)
	}
	shops := map[id.ID]int{}
	soldOut, onSale := 0, 0
	for _, p := range goods {
		kept, err := sold.Get(t.Context(), p.ID)
		if err != nil || kept.Name != p.Name || kept.Description != p.Description || p.Description == "" {
			t.Errorf("%q is stored as %+v, %v", p.Name, kept, err)
		}
		if p.PriceWon < 1000 || p.PriceWon%100 != 0 {
			t.Errorf("%q costs %d", p.Name, p.PriceWon)
		}
		if int(p.ID[15]) >= len(motifs[p.Category]) {
			t.Errorf("%q has no drawing of its own", p.Name)
		}
		shops[p.ShopID]++
		if p.Stock == 0 {
			soldOut++
		}
		if p.ListPriceWon > p.PriceWon {
			onSale++
		}
	}
	if shops[moon] < 15 || shops[forest] < 15 || len(shops) != 2 || soldOut == 0 || onSale == 0 {
		t.Errorf("shops %v, %d sold out, %d on sale", shops, soldOut, onSale)
	}
	if page, err := sold.List(t.Context(), product.Filter{}, "", 100); err != nil || len(page.Items) != len(goods) {
		t.Errorf("%d of %d products are for sale, %v: two have one id", len(page.Items), len(goods), err)
	}
}
