package demo

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"mall/modules/platform/id"
)

// Pictures draws the mall's products, until somebody photographs them.
type Pictures struct{}

// Draw gives a product's picture as SVG: a thing of its category before soft shapes, in colours of its own. The same id
// and category give the same bytes on every instance. It holds no text and nothing that anyone typed, and only
// presentation attributes, so that the strictest content policy shows it.
func (Pictures) Draw(product id.ID, category string) []byte {
	drawings := motifs[category]
	if len(drawings) == 0 {
		drawings = motifs["hobby"]
	}
	// The last byte of the id chooses the drawing, which lets the demo catalogue show a mug for a mug.
	return draw(product, drawings[int(product[len(product)-1])%len(drawings)])
}

// DrawHidden gives the picture of a hidden product: a closed box.
func (Pictures) DrawHidden(product id.ID) []byte { return draw(product, box) }

// draw puts the thing before shapes that follow from the id.
func draw(product id.ID, motif string) []byte {
	sum := sha256.Sum256(product[:])
	p := palettes[int(sum[0])%len(palettes)]
	x, y, r := 40+int(sum[1])%320, 20+int(sum[2])%120, 50+int(sum[3])%60
	return []byte(p.paint(fmt.Sprintf(frame, x, y, r, 400-x, 330+int(sum[4])%40, r/2, motif)))
}

// palette is one set of colours that go together.
type palette struct{ top, bottom, main, dark, light, accent string }

var palettes = []palette{
	{"#fdf1e3", "#f6d9b8", "#d9824b", "#7a4226", "#fff8ef", "#4f8a8b"},
	{"#e8f3ee", "#c4dfd2", "#5b9a7d", "#27503f", "#f7fcf9", "#e2a054"},
	{"#e9eefb", "#c7d4f2", "#5877c9", "#27366b", "#f7f9ff", "#efa34a"},
	{"#fbe9ee", "#f3c6d3", "#d3678a", "#74294a", "#fff6f8", "#5c8f76"},
	{"#f1ebfa", "#d8c9f0", "#8a6cc4", "#432c70", "#fbf8ff", "#e8b04f"},
	{"#e6f4f6", "#bfe0e6", "#4598a8", "#1d4f5a", "#f5fcfd", "#e57f5b"},
	{"#fbf5dc", "#f1e2a4", "#d0a52c", "#6d5312", "#fffdf2", "#4d7ea8"},
	{"#f3ede6", "#ddcfbf", "#a17e5c", "#523b27", "#fdfaf6", "#6d8f5e"},
	{"#edf1f4", "#cfd9e1", "#66808f", "#2c3f4b", "#fafcfd", "#d9734e"},
	{"#fdeae4", "#f6c7b8", "#dd6b4d", "#75301f", "#fff7f4", "#46798c"},
}

func (p palette) paint(svg string) string {
	return strings.NewReplacer("@top", p.top, "@bottom", p.bottom, "@main", p.main, "@dark", p.dark,
		"@light", p.light, "@accent", p.accent).Replace(svg)
}

const frame = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="400" height="400">` +
	`<defs><linearGradient id="g" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="@top"/><stop offset="1" stop-color="@bottom"/></linearGradient></defs>` +
	`<rect width="400" height="400" fill="url(#g)"/><circle cx="%d" cy="%d" r="%d" fill="@light" fill-opacity=".7"/>` +
	`<circle cx="%d" cy="%d" r="%d" fill="@main" fill-opacity=".14"/><ellipse cx="200" cy="318" rx="118" ry="15" fill="@dark" fill-opacity=".14"/>%s</svg>`
