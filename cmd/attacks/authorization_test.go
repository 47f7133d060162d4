package attacks_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

// tableFile is the table of who may do what. It is a page of the documentation, and what is played.
const tableFile = "../../docs/authorization.md"

// roles are the table's columns, in their order.
var roles = []string{"anonymous", "buyer", "other buyer", "agent", "manager", "owner", "other shop", "removed", "operator", "operator + reason"}

// cells are one row: what each role is answered.
type cells struct {
	name string // "GET /me", "PATCH /products/{product_id} (name)", "send"
	want []string
}

// route is the name without its case, by which the description knows it.
func (c cells) route() string {
	name, _, _ := strings.Cut(c.name, " (")
	return name
}

// readTable reads the rows of both tables of the page, which are told apart by a space in the name: a frame has none.
func readTable(t *testing.T) (routes, frames []cells) {
	t.Helper()
	text, err := os.ReadFile(tableFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, rest, found := strings.Cut(strings.TrimPrefix(line, "| `"), "` |")
		if !strings.HasPrefix(line, "| `") || !found {
			continue
		}
		row := cells{name: name}
		for cell := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(rest), "|"), "|") {
			row.want = append(row.want, strings.TrimSpace(cell))
		}
		if len(row.want) != len(roles) {
			t.Fatalf("%s: %s has %d cells, want %d", tableFile, name, len(row.want), len(roles))
		}
		if strings.Contains(row.route(), " /") {
			routes = append(routes, row)
		} else {
			frames = append(frames, row)
		}
	}
	return routes, frames
}

// described are the calls that the running program describes: "GET /me".
func described(t *testing.T, m *mall) (names []string) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	m.stranger(t).call("GET", "//openapi.json", nil).must(200).into(&doc)
	for path, item := range doc.Paths {
		for method := range item {
			if method == strings.ToLower(method) && method != "parameters" && method != "summary" {
				names = append(names, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(names)
	return names
}

// describedFrames are the types of the frames that a client may send.
func describedFrames(t *testing.T, m *mall) (names []string) {
	t.Helper()
	var doc struct {
		Operations map[string]struct {
			Action   string
			Messages []struct {
				Ref string `json:"$ref"`
			}
		}
		Components struct {
			Messages map[string]struct {
				Payload struct {
					Properties struct {
						Type struct{ Const string }
					}
				}
			}
		}
	}
	m.stranger(t).call("GET", "//asyncapi.json", nil).must(200).into(&doc)
	for _, operation := range doc.Operations {
		if operation.Action != "receive" {
			continue
		}
		for _, one := range operation.Messages {
			name := one.Ref[strings.LastIndex(one.Ref, "/")+1:]
			names = append(names, doc.Components.Messages[name].Payload.Properties.Type.Const)
		}
	}
	slices.Sort(names)
	return names
}

// A call or frame without a row fails, and is told as the row that is to be filled in.
func TestEveryRouteAndFrameHasItsRow(t *testing.T) {
	t.Parallel()
	m := embedded(t)
	routes, frames := readTable(t)
	complete(t, "route", described(t, m), routes, func(name string) bool { _, ok := requests[name]; return ok })
	complete(t, "frame", describedFrames(t, m), frames, func(name string) bool { _, ok := speeches[name]; return ok })
}

func complete(t *testing.T, what string, described []string, rows []cells, playable func(name string) bool) {
	t.Helper()
	for _, name := range described {
		if !slices.ContainsFunc(rows, func(c cells) bool { return c.route() == name }) {
			t.Errorf("%s has no row for the %s; add:\n| `%s` |%s", tableFile, what, name, strings.Repeat(" ? |", len(roles)))
		}
	}
	for i, row := range rows {
		if !slices.Contains(described, row.route()) {
			t.Errorf("%s: there is no %s %s (any more)", tableFile, what, row.route())
		}
		if !playable(row.name) {
			t.Errorf("%s: nothing plays %s; add it to the requests of this package", tableFile, row.name)
		}
		if i > 0 && order(rows[i-1].name) >= order(row.name) {
			t.Errorf("%s: %s does not stand in its place, sorted by path", tableFile, row.name)
		}
	}
}

// order sorts calls by their path first.
func order(name string) string {
	method, path, found := strings.Cut(name, " /")
	if !found {
		return name
	}
	return path + " " + method
}

// who is the person of a role; what makes them special is in the second result.
func (w *world) who(role string) (*person, []header) {
	switch role {
	case "anonymous":
		return w.m.stranger(w.t), nil
	case "operator + reason":
		return w.operator, []header{{"X-Access-Reason", "a buyer has complained"}}
	}
	return map[string]*person{"buyer": w.buyer, "other buyer": w.otherBuyer, "agent": w.agent, "manager": w.manager, "owner": w.owner,
		"other shop": w.otherOwner, "removed": w.removed, "operator": w.operator}[role], nil
}

// TestAuthorization plays every cell of the table.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, ...string) *mall{"embedded": embedded, "two instances": pair} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, posted(t, start, generous()...))
			routes, frames := readTable(t)
			for _, row := range routes {
				t.Run(row.name, func(t *testing.T) { w.in(t).playRoute(t, row) })
			}
			t.Run("frames", func(t *testing.T) {
				for _, row := range frames {
					t.Run(row.name, func(t *testing.T) { w.in(t).playFrame(t, row) })
				}
			})
		})
	}
}

// playRoute lets each role make the call. What the call is about is made anew once somebody was allowed to change it; who
// is refused so leaves it as it was for the next one.
func (w *world) playRoute(t *testing.T, row cells) {
	r, ok := requests[row.name]
	if !ok {
		t.Fatalf("nothing plays %s", row.name)
	}
	if r.after != nil {
		defer r.after(w)
	}
	target := ""
	for i, role := range roles {
		p, headers := w.who(role)
		if row.want[i] == "-" {
			continue // the case does not exist for the role
		}
		if target == "" && r.about != nil {
			target = r.about(w)
		}
		if r.own != nil && p.token != "" {
			p, target = r.own(w, p)
		}
		method, path, _ := strings.Cut(row.route(), " ")
		path, body := r.call(w, path, target)
		a := p.settled(method, path, body, headers)
		if got := verdict(a); got != row.want[i] {
			t.Errorf("%s: %s, want %s", role, got, row.want[i])
		}
		if a.ok() || r.own != nil {
			target = ""
		}
	}
}

// settled is the answer once no limit stands before it; a stream is left as soon as it has begun.
func (p *person) settled(method, path string, body any, headers []header) answer {
	p.t.Helper()
	if path == "/chat/events" {
		return p.opened(path)
	}
	return p.patient(method, path, body, headers...)
}

// opened is the answer of a stream, of which nothing more is read.
func (p *person) opened(path string, more ...header) answer {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url(path), http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	p.dress(req, nil)
	for _, h := range more {
		req.Header.Set(h.name, h.value)
	}
	res, err := client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	a := answer{t: p.t, call: "GET " + path, status: res.StatusCode, header: res.Header}
	if res.StatusCode != http.StatusOK {
		a.body = make([]byte, 4096)
		n, _ := res.Body.Read(a.body)
		a.body = a.body[:n]
	}
	_ = res.Body.Close()
	return a
}

// usual is the code that goes without saying.
var usual = map[int]string{401: "unauthenticated", 403: "forbidden", 404: "not_found"}

// verdict is an answer as the table writes it: the status, and the code where that is not the usual one.
func verdict(a answer) string {
	if code := a.code(); code != usual[a.status] {
		return fmt.Sprintf("%d %s", a.status, code)
	}
	return fmt.Sprint(a.status)
}
