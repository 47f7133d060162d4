package order

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"mall/modules/platform/apidoc"
	"mall/modules/platform/fault"
	"mall/modules/platform/httpserver"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/testservers"
)

// doorman takes the name of a person as their token.
type doorman map[string]context.Context

func (d doorman) Bearer(_ context.Context, token string) (*identity.Principal, error) {
	if who, ok := d[token]; ok {
		return identity.From(who)
	}
	return nil, fault.New(fault.Unauthenticated, "unauthenticated", "That token is not good.")
}

func (d doorman) Cookie(context.Context, string) (*identity.Principal, error) {
	return nil, fault.New(fault.Unauthenticated, "unauthenticated", "That session has ended.")
}

type site struct {
	*market
	server *httpserver.Server
}

func newSite(t *testing.T) site {
	t.Helper()
	m := newMarket(t, testservers.Open(t, testservers.SQLite(t)))
	var parts [][]byte
	for _, name := range []string{"../platform/httpserver/api.yaml", "../member/api.yaml", "api.yaml", "../product/api.yaml"} {
		part, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part)
	}
	spec, err := apidoc.Merge(parts[0], parts[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	cfg := httpserver.Config{Addr: "127.0.0.1:0", InternalAddr: "127.0.0.1:0", CookieName: "mall_session", BodyLimit: 64 << 10,
		RequestTimeout: 10 * time.Second, ShutdownGrace: time.Second}
	people := doorman{"buyer": m.buyer, "agent": m.agent, "owner": m.owner, "stranger": m.stranger}
	server, err := httpserver.New(cfg, spec, httpserver.Deps{Members: people, Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	m.Routes(server.API)
	return site{m, server}
}

// call answers the status and the JSON of a call by somebody; "" is nobody.
func (s site) call(t *testing.T, who, method, path, body string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/api/v1"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+who)
	}
	w := httptest.NewRecorder()
	s.server.Echo.ServeHTTP(w, r)
	answer := map[string]any{}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, w.Body)
		}
	}
	if leak := regexp.MustCompile(`(?i)select |insert |goroutine|\.go:|sqlite|mysql`).FindString(w.Body.String()); leak != "" {
		t.Errorf("%s %s shows our insides (%s): %s", method, path, leak, w.Body)
	}
	return w.Code, answer
}

func (s site) body(product id.ID, quantity int) string {
	return fmt.Sprintf(`{"shop_id":%q,"client_order_id":%q,"lines":[{"product_id":%q,"quantity":%d}]}`, s.shop, id.New(), product, quantity)
}

func TestAnOrderOverHTTP(t *testing.T) {
	s := newSite(t)
	mug := s.sell(t, "머그컵", 14900, 10)
	body := s.body(mug, 2)
	status, first := s.call(t, "buyer", "POST", "/orders", body)
	if status != http.StatusCreated {
		t.Fatal(status, first)
	}
	status, again := s.call(t, "buyer", "POST", "/orders", body)
	if diff := cmp.Diff(first, again); status != http.StatusOK || diff != "" {
		t.Errorf("again: %d\n%s", status, diff)
	}
	path := "/orders/" + first["id"].(string)
	want := map[string]any{
		"id": first["id"], "number": first["number"], "shop_id": s.shop.String(), "shop_name": "달빛상점",
		"buyer_id": s.buyerID.String(), "buyer_name": "김하늘", "status": "placed", "total_won": 29800.0,
		"lines": []any{map[string]any{"product_id": mug.String(), "name": "머그컵", "unit_price_won": 14900.0, "quantity": 2.0,
			"image_url": "/api/v1/products/" + mug.String() + "/image.svg"}},
		"allowed_steps": []any{"paid", "cancelled"}, "created_at": first["created_at"], "updated_at": first["updated_at"],
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if _, err := time.Parse(time.RFC3339Nano, first["created_at"].(string)); err != nil || !strings.HasSuffix(first["created_at"].(string), "Z") {
		t.Errorf("created_at %v: %v", first["created_at"], err)
	}
	status, paid := s.call(t, "buyer", "POST", path+"/steps", `{"to":"paid"}`)
	if status != http.StatusOK || paid["status"] != "paid" || !cmp.Equal(paid["allowed_steps"], []any{"cancelled"}) {
		t.Errorf("%d %v", status, paid)
	}
	status, seen := s.call(t, "agent", "GET", path, "")
	if status != http.StatusOK || !cmp.Equal(seen["allowed_steps"], []any{"preparing"}) {
		t.Errorf("%d %v", status, seen)
	}
	for who, path := range map[string]string{"buyer": "/orders?limit=5", "agent": "/shops/" + s.shop.String() + "/orders?status=paid&buyer_id=" + s.buyerID.String()} {
		status, page := s.call(t, who, "GET", path, "")
		items, _ := page["items"].([]any)
		if _, more := page["next_cursor"]; status != http.StatusOK || len(items) != 1 || more {
			t.Errorf("%s: %d %v", path, status, page)
		}
	}
	status, none := s.call(t, "stranger", "GET", "/orders", "")
	if status != http.StatusOK || !cmp.Equal(none["items"], []any{}) {
		t.Errorf("an empty list is a list: %d %v", status, none)
	}
}

func TestRefusalsOverHTTP(t *testing.T) {
	s := newSite(t)
	mug := s.sell(t, "머그컵", 14900, 1)
	_, order := s.call(t, "buyer", "POST", "/orders", s.body(mug, 1))
	mine, absent := "/orders/"+order["id"].(string), "/orders/"+id.New().String()
	shop := "/shops/" + s.shop.String() + "/orders"
	line := `{"product_id":"` + mug.String() + `","quantity":1}`
	keys := `"shop_id":"` + s.shop.String() + `","client_order_id":"` + id.New().String() + `"`
	for _, tc := range []struct {
		who, method, path, body string
		status                  int
		code, field             string
	}{
		{"", "GET", "/orders", "", 401, "unauthenticated", ""},
		{"", "GET", mine, "", 401, "unauthenticated", ""},
		{"", "POST", "/orders", s.body(mug, 1), 401, "unauthenticated", ""},
		{"", "POST", mine + "/steps", `{"to":"paid"}`, 401, "unauthenticated", ""},
		{"", "GET", shop, "", 401, "unauthenticated", ""},
		{"thief", "GET", mine, "", 401, "unauthenticated", ""},
		{"stranger", "GET", mine, "", 404, "not_found", ""},
		{"stranger", "GET", absent, "", 404, "not_found", ""},
		{"stranger", "POST", mine + "/steps", `{"to":"cancelled"}`, 404, "not_found", ""},
		{"stranger", "POST", absent + "/steps", `{"to":"cancelled"}`, 404, "not_found", ""},
		{"stranger", "GET", shop, "", 404, "not_found", ""},
		{"buyer", "GET", "/orders/1", "", 400, "bad_request", "order_id"},
		{"buyer", "GET", "/orders/" + id.Nil.String(), "", 404, "not_found", ""},
		{"buyer", "GET", "/orders?limit=0", "", 400, "bad_request", "limit"},
		{"buyer", "GET", "/orders?limit=101", "", 400, "bad_request", "limit"},
		{"buyer", "GET", "/orders?limit=x", "", 400, "bad_request", "limit"},
		{"buyer", "GET", "/orders?cursor=x", "", 400, "bad_cursor", "cursor"},
		{"agent", "GET", shop + "?status=lost", "", 400, "bad_request", "status"},
		{"agent", "GET", shop + "?buyer_id=7", "", 400, "bad_request", "buyer_id"},
		{"buyer", "POST", "/orders", "", 400, "bad_request", "body"},
		{"buyer", "POST", "/orders", "{", 400, "bad_request", "body"},
		{"buyer", "POST", "/orders", `{` + keys + `}`, 400, "bad_request", "lines"},
		{"buyer", "POST", "/orders", `{` + keys + `,"lines":[]}`, 400, "bad_request", "lines"},
		{"buyer", "POST", "/orders", `{"shop_id":"x","client_order_id":"` + id.New().String() + `","lines":[` + line + `]}`, 400, "bad_request", "shop_id"},
		{"buyer", "POST", "/orders", `{"shop_id":"` + s.shop.String() + `","client_order_id":"` + id.Nil.String() + `","lines":[` + line + `]}`, 400, "bad_request", "client_order_id"},
		{"buyer", "POST", "/orders", s.body(mug, 0), 400, "bad_request", "lines.0.quantity"},
		{"buyer", "POST", "/orders", s.body(mug, 1000), 400, "bad_request", "lines.0.quantity"},
		{"buyer", "POST", "/orders", `{` + keys + `,"lines":[` + line + `,` + line + `]}`, 400, "duplicate_product", "lines.1.product_id"},
		{"buyer", "POST", "/orders", s.body(mug, 1), 409, "sold_out", "lines.0.quantity"},
		{"buyer", "POST", "/orders", s.body(id.New(), 1), 409, "product_unavailable", "lines.0.product_id"},
		{"buyer", "POST", "/orders", `{"x":"` + strings.Repeat("x", 65<<10) + `"}`, 413, "too_large", ""},
		{"buyer", "POST", mine + "/steps", `{}`, 400, "bad_request", "to"},
		{"buyer", "POST", mine + "/steps", `{"to":"lost"}`, 400, "bad_request", "to"},
		{"buyer", "POST", mine + "/steps", `{"to":"completed"}`, 409, "illegal_step", "to"},
		{"agent", "POST", mine + "/steps", `{"to":"paid"}`, 403, "forbidden", ""},
		{"buyer", "GET", mine + "/nothing", "", 404, "not_found", ""},
	} {
		status, problem := s.call(t, tc.who, tc.method, tc.path, tc.body)
		field, _ := problem["field"].(string)
		if status != tc.status || problem["code"] != tc.code || field != tc.field {
			t.Errorf("%s %s %s %.80s: %d %v, want %d %s of %q", tc.who, tc.method, tc.path, tc.body, status, problem, tc.status, tc.code, tc.field)
		}
	}
	_, theirs := s.call(t, "stranger", "GET", mine, "")
	_, none := s.call(t, "stranger", "GET", absent, "")
	delete(theirs, "request_id")
	delete(none, "request_id")
	if diff := cmp.Diff(none, theirs); diff != "" {
		t.Errorf("somebody else's order answers unlike none:\n%s", diff)
	}
}
