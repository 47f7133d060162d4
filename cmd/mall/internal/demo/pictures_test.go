package demo

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"testing"

	"mall/modules/platform/id"
	"mall/modules/product"
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
	for _, category := range append(slices.Clone(product.Categories), "a category of tomorrow") {
		for n := range max(1, len(motifs[category])) {
			x := id.New()
			x[15] = byte(n)
			svg := Pictures{}.Draw(x, category)
			if bytes.ContainsRune(svg, '@') || bytes.Contains(svg, []byte("%!")) {
				t.Fatalf("%s %d: a colour or number is missing: %s", category, n, svg)
			}
			checkShapes(t, svg)
		}
	}
	checkShapes(t, Pictures{}.DrawHidden(id.New()))
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
	if !bytes.Equal(Pictures{}.Draw(a, "home"), Pictures{}.Draw(a, "home")) {
		t.Error("two drawings of one product differ")
	}
	if bytes.Equal(Pictures{}.Draw(a, "home"), Pictures{}.Draw(b, "home")) || bytes.Equal(Pictures{}.Draw(a, "home"), Pictures{}.Draw(a, "food")) {
		t.Error("two products look the same")
	}
}

func TestAHiddenProductLooksLikeNoneThatIsShown(t *testing.T) {
	x := id.New()
	for _, category := range product.Categories {
		if bytes.Equal(Pictures{}.DrawHidden(x), Pictures{}.Draw(x, category)) {
			t.Errorf("hidden it is drawn as one of %s", category)
		}
	}
}
