package records

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"time"

	"mall/modules/platform/identity"
	"mall/modules/platform/securitylog"
)

// notKept tells a reader of the copy what they will not find in it, and why.
var notKept = []string{
	"passwords, tokens and the secrets of second factors: they are kept as hashes or sealed, and are of no use to anybody else",
	"what you said as a shop's staff: it is the shop's record",
}

// Export writes what is kept of the caller as one JSON document, part by part: it is not held in memory. A document
// without `"complete":true` at its end was cut off. flush is called now and then.
//
// Errors: Forbidden step_up_required, before anything is written; others cut the document off.
func (r *Records) Export(ctx context.Context, p *identity.Principal, to io.Writer, flush func() error) (err error) {
	defer func() { r.Security.Write(ctx, securitylog.Event{What: securitylog.Export, Err: err}) }()
	kept, err := r.Members.Kept(ctx, p.MemberID)
	if err != nil {
		return err
	}
	w := &document{out: bufio.NewWriterSize(to, 32<<10), flush: flush}
	w.field("made_at", r.clock().UTC().Format(time.RFC3339))
	w.field("not_included", notKept)
	w.field("account", kept)
	for _, part := range []struct {
		name string
		read func(ctx context.Context, each func(item any) error) error
	}{{"orders", r.Orders.Export}, {"talks", r.Talks.ExportTalks}, {"messages", r.Talks.ExportMessages}, {"reports", r.Talks.ExportReports}} {
		w.list(part.name)
		if err := part.read(ctx, w.item); err != nil {
			return err
		}
		w.raw("]")
	}
	w.field("complete", true)
	w.raw("}\n")
	return w.end()
}

// document is a JSON object that is being written. The first error stays.
type document struct {
	out   *bufio.Writer
	flush func() error
	any   bool // a field has been written
	items int  // of the list that is being written
	err   error
}

const flushEvery = 200 // items

func (d *document) raw(text string) {
	if d.err == nil {
		_, d.err = d.out.WriteString(text)
	}
}

func (d *document) value(v any) {
	if d.err != nil {
		return
	}
	text, err := json.Marshal(v)
	if d.err = err; err == nil {
		_, d.err = d.out.Write(text)
	}
}

func (d *document) key(name string) {
	if d.any {
		d.raw(",\n")
	} else {
		d.raw("{")
	}
	d.any = true
	d.value(name)
	d.raw(":")
}

func (d *document) field(name string, v any) {
	d.key(name)
	d.value(v)
}

func (d *document) list(name string) {
	d.key(name)
	d.raw("[")
	d.items = 0
}

func (d *document) item(v any) error {
	if d.items > 0 {
		d.raw(",\n")
	}
	d.items++
	d.value(v)
	if d.err == nil && d.items%flushEvery == 0 {
		return d.end()
	}
	return d.err
}

func (d *document) end() error {
	if d.err == nil {
		d.err = d.out.Flush()
	}
	if d.err == nil {
		d.err = d.flush()
	}
	return d.err
}
