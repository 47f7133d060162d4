package product

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"testing"

	"mall/modules/platform/id"
)

// allowed is what a picture is made of: shapes and how they look, nothing that runs, loads or speaks.
var allowed = map[string][]string{
	"svg":            {"xmlns", "viewBox", "width", "height"},
	"defs":           {},
	"linearGradient": {"id", "x1", "y1", "x2", "y2"},
	"stop":           {"offset", "stop-color"},
	"g":              {"fill"},
	"path":           {"d"},
	"rect":           {"x", "y", "width", "height", "rx"},
	"circle":         {"cx", "cy", "r"},
	"ellipse":        {"cx", "cy", "rx", "ry"},
}

var looks = []string{"fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-linecap", "stroke-linejoin"}

func TestPicturesAreShapesOnly(t *testing.T) {
	for _, category := range append(slices.Clone(Categories), "a category of tomorrow") {
		for n := range max(1, len(motifs[category])) {
			product := id.New()
			product[15] = byte(n)
			svg := Image(product, category)
			if bytes.ContainsRune(svg, '@') || bytes.Contains(svg, []byte("%!")) {
				t.Fatalf("%s %d: a colour or number is missing: %s", category, n, svg)
			}
			checkShapes(t, svg)
		}
	}
}

func checkShapes(t *testing.T, svg []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in %s", err, svg)
		}
		switch e := token.(type) {
		case xml.StartElement:
			own, ok := allowed[e.Name.Local]
			for _, a := range e.Attr {
				ok = ok && (slices.Contains(own, a.Name.Local) || slices.Contains(looks, a.Name.Local))
			}
			if !ok {
				t.Errorf("not a plain shape: %v", e)
			}
		case xml.CharData, xml.Comment, xml.ProcInst, xml.Directive:
			t.Errorf("more than shapes: %v", e)
		}
	}
}

func TestAPictureStaysTheSame(t *testing.T) {
	a, b := id.MustParse("0193a000-0000-7000-8000-000000000000"), id.MustParse("0193a000-0001-7000-8000-000000000000")
	if !bytes.Equal(Image(a, "home"), Image(a, "home")) {
		t.Error("two drawings of one product differ")
	}
	if bytes.Equal(Image(a, "home"), Image(b, "home")) || bytes.Equal(Image(a, "home"), Image(a, "food")) {
		t.Error("two products look the same")
	}
}

// The demo catalogue is what everybody sees first.
func TestDemoCatalogueIsFitToSell(t *testing.T) {
	moon, forest := id.New(), id.New()
	shops := map[id.ID]int{}
	seen := map[id.ID]bool{}
	soldOut, onSale := 0, 0
	for _, p := range DemoCatalogue(moon, forest) {
		d := p.Draft
		if err := d.clean(); err != nil || d.Name != p.Name || d.Description == "" || d.PriceWon < 1000 || d.PriceWon%100 != 0 {
			t.Errorf("%q: %v", p.Name, err)
		}
		if int(p.ID[15]) >= len(motifs[p.Category]) {
			t.Errorf("%q has no drawing of its own", p.Name)
		}
		if seen[p.ID] {
			t.Errorf("%q has the id of another", p.Name)
		}
		seen[p.ID] = true
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
}
