package product_test

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
	"mall/modules/product"
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
	stall
	server *httpserver.Server
}

func newSite(t *testing.T) site {
	t.Helper()
	s := newStall(t, testservers.Open(t, testservers.SQLite(t)))
	var parts [][]byte
	for _, name := range []string{"../platform/httpserver/api.yaml", "../member/api.yaml", "api.yaml"} {
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
	people := doorman{"owner": s.owner, "manager": s.manager, "agent": s.agent, "rival": s.rival}
	server, err := httpserver.New(cfg, spec, httpserver.Deps{Members: people, Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s.Routes(server.API)
	return site{s, server}
}

func (s site) do(t *testing.T, who, method, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/api/v1"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+who)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.server.Echo.ServeHTTP(w, r)
	return w
}

// call answers the status and the JSON of a call by somebody; "" is nobody.
func (s site) call(t *testing.T, who, method, path, body string) (int, map[string]any) {
	t.Helper()
	w := s.do(t, who, method, path, body)
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

func TestAProductOverHTTP(t *testing.T) {
	s := newSite(t)
	shop := "/shops/" + s.moon.String() + "/products"
	status, made := s.call(t, "manager", "POST", shop, `{"name":"달빛 머그컵","category":"home","price_won":14900,"list_price_won":20000,"stock":3}`)
	if status != http.StatusCreated {
		t.Fatal(status, made)
	}
	path := "/products/" + made["id"].(string)
	want := map[string]any{
		"id": made["id"], "shop_id": s.moon.String(), "shop_name": "달빛상점", "name": "달빛 머그컵", "description": "", "category": "home",
		"price_won": 14900.0, "list_price_won": 20000.0, "stock": 3.0, "sold_out": false, "hidden": false,
		"image_url": "/api/v1" + path + "/image.svg", "created_at": made["created_at"], "updated_at": made["updated_at"],
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("product (-want +got):\n%s", diff)
	}
	status, edited := s.call(t, "manager", "PATCH", path, `{"price_won":25000,"hidden":true}`)
	if _, sale := edited["list_price_won"]; status != http.StatusOK || edited["price_won"] != 25000.0 || sale {
		t.Errorf("a price above the one before the sale is no sale: %d %v", status, edited)
	}
	if status, _ := s.call(t, "", "GET", path, ""); status != http.StatusNotFound {
		t.Errorf("hidden, but %d", status)
	}
	if status, _ := s.call(t, "agent", "GET", path, ""); status != http.StatusOK {
		t.Errorf("staff: %d", status)
	}
	status, sold := s.call(t, "agent", "POST", path+"/stock", `{"delta":-3}`)
	if status != http.StatusOK || sold["stock"] != 0.0 || sold["sold_out"] != true {
		t.Errorf("%d %v", status, sold)
	}
	if status, page := s.call(t, "agent", "GET", shop, ""); status != http.StatusOK || len(page["items"].([]any)) != 1 {
		t.Errorf("%d %v", status, page)
	}
	if status, page := s.call(t, "", "GET", "/products", ""); status != http.StatusOK || !cmp.Equal(page, map[string]any{"items": []any{}}) {
		t.Errorf("an empty list is a list: %d %v", status, page)
	}
	if status, answer := s.call(t, "manager", "DELETE", path, ""); status != http.StatusNoContent || len(answer) != 0 {
		t.Errorf("%d %v", status, answer)
	}
	if status, _ := s.call(t, "agent", "GET", path, ""); status != http.StatusNotFound {
		t.Errorf("deleted, but %d", status)
	}
}

func TestPagesOverHTTP(t *testing.T) {
	s := newSite(t)
	for i := range 5 {
		s.make(s.owner, t, s.moon, func(d *product.Draft) { d.Name = fmt.Sprintf("머그컵 %d", i) })
	}
	var got []any
	for next := "/products?limit=2&q=%EB%A8%B8%EA%B7%B8&category=home&shop_id=" + s.moon.String(); next != ""; {
		status, page := s.call(t, "", "GET", next, "")
		if status != http.StatusOK {
			t.Fatal(status, page)
		}
		for _, item := range page["items"].([]any) {
			got = append(got, item.(map[string]any)["name"])
		}
		cursor, more := page["next_cursor"].(string)
		next = strings.Split(next, "&cursor=")[0] + "&cursor=" + cursor
		if !more {
			next = ""
		}
	}
	if diff := cmp.Diff([]any{"머그컵 4", "머그컵 3", "머그컵 2", "머그컵 1", "머그컵 0"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRefusalsOverHTTP(t *testing.T) {
	s := newSite(t)
	p := s.make(s.owner, t, s.moon, nil)
	mine, absent := "/products/"+p.ID.String(), "/products/"+id.New().String()
	shop, draft := "/shops/"+s.moon.String()+"/products", `{"name":"가","category":"home","price_won":1,"stock":1}`
	for _, tc := range []struct {
		who, method, path, body string
		status                  int
		code, field             string
	}{
		{"", "POST", shop, draft, 401, "unauthenticated", ""},
		{"", "GET", shop, "", 401, "unauthenticated", ""},
		{"", "PATCH", mine, `{"price_won":1}`, 401, "unauthenticated", ""},
		{"", "DELETE", mine, "", 401, "unauthenticated", ""},
		{"", "POST", mine + "/stock", `{"delta":1}`, 401, "unauthenticated", ""},
		{"thief", "GET", mine, "", 401, "unauthenticated", ""},
		{"rival", "POST", shop, draft, 404, "not_found", ""},
		{"rival", "GET", shop, "", 404, "not_found", ""},
		{"rival", "PATCH", mine, `{"price_won":1}`, 404, "not_found", ""},
		{"rival", "PATCH", absent, `{"price_won":1}`, 404, "not_found", ""},
		{"rival", "DELETE", mine, "", 404, "not_found", ""},
		{"rival", "POST", mine + "/stock", `{"delta":1}`, 404, "not_found", ""},
		{"", "GET", absent, "", 404, "not_found", ""},
		{"", "GET", "/products/" + id.Nil.String(), "", 404, "not_found", ""},
		{"", "GET", "/products/1", "", 400, "bad_request", "product_id"},
		{"", "GET", "/products/1/image.svg", "", 400, "bad_request", "product_id"},
		{"", "GET", absent + "/image.svg", "", 404, "not_found", ""},
		{"", "GET", "/products?category=cars", "", 400, "bad_request", "category"},
		{"", "GET", "/products?shop_id=1", "", 400, "bad_request", "shop_id"},
		{"", "GET", "/products?limit=101", "", 400, "bad_request", "limit"},
		{"", "GET", "/products?cursor=x", "", 400, "bad_cursor", "cursor"},
		{"", "GET", "/products?q=%ff", "", 400, "bad_request", "q"},
		{"", "GET", "/products?q=" + strings.Repeat("x", 101), "", 400, "bad_request", "q"},
		{"manager", "POST", shop, "", 400, "bad_request", "body"},
		{"manager", "POST", shop, `[]`, 400, "bad_request", "body"},
		{"manager", "POST", shop, `{"category":"home","price_won":1,"stock":1}`, 400, "bad_request", "name"},
		{"manager", "POST", shop, `{"name":" ","category":"home","price_won":1,"stock":1}`, 400, "empty", "name"},
		{"manager", "POST", shop, `{"name":"가","category":"cars","price_won":1,"stock":1}`, 400, "bad_request", "category"},
		{"manager", "POST", shop, `{"name":"가","category":"home","price_won":-1,"stock":1}`, 400, "bad_request", "price_won"},
		{"manager", "POST", shop, `{"name":"가","category":"home","price_won":1.5,"stock":1}`, 400, "bad_request", "price_won"},
		{"manager", "POST", shop, `{"name":"가","category":"home","price_won":99999999999999999999,"stock":1}`, 400, "bad_request", "price_won"},
		{"manager", "POST", shop, `{"name":"\u0000","category":"home","price_won":1,"stock":1}`, 400, "invalid_text", "name"},
		{"manager", "POST", shop, `{"x":"` + strings.Repeat("x", 65<<10) + `"}`, 413, "too_large", ""},
		{"manager", "PATCH", mine, `{}`, 400, "bad_request", ""},
		{"manager", "PATCH", mine, `{"name":""}`, 400, "bad_request", "name"},
		{"agent", "POST", mine + "/stock", `{}`, 400, "bad_request", "delta"},
		{"agent", "POST", mine + "/stock", `{"delta":-11}`, 409, "stock_out_of_range", "delta"},
		{"agent", "GET", mine + "/nothing", "", 404, "not_found", ""},
	} {
		status, problem := s.call(t, tc.who, tc.method, tc.path, tc.body)
		field, _ := problem["field"].(string)
		if status != tc.status || problem["code"] != tc.code || tc.field != "" && field != tc.field {
			t.Errorf("%s %s %s %.80s: %d %v, want %d %s of %q", tc.who, tc.method, tc.path, tc.body, status, problem, tc.status, tc.code, tc.field)
		}
	}
	if got, err := s.Get(s.pub, p.ID); err != nil || got.PriceWon != p.PriceWon || got.Stock != p.Stock {
		t.Errorf("refused calls left their mark: %+v, %v", got, err)
	}
}

// A mall that draws nothing has no pictures.
func TestNoPictures(t *testing.T) {
	s := newStall(t, testservers.Open(t, testservers.SQLite(t)))
	p := s.make(s.owner, t, s.moon, nil)
	_, _, err := product.New(s.db, s.shops, nil).Picture(s.pub, p.ID)
	wantFault(t, err, fault.NotFound, "not_found", "")
}

func TestPictureOverHTTP(t *testing.T) {
	s := newSite(t)
	p := s.make(s.owner, t, s.moon, nil)
	path := "/products/" + p.ID.String() + "/image.svg"
	w := s.do(t, "", "GET", path, "")
	etag := w.Header().Get("ETag")
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), "<svg ") || len(etag) < 10 {
		t.Fatal(w.Code, etag, w.Body)
	}
	for header, want := range map[string]string{
		"Content-Type": "image/svg+xml", "X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=86400, stale-while-revalidate=604800",
		"Content-Security-Policy": "default-src 'none'; sandbox",
	} {
		if got := w.Header().Get(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
	for _, tags := range []string{etag, `"other", W/` + etag} {
		if w := s.do(t, "", "GET", path, "", "If-None-Match", tags); w.Code != http.StatusNotModified || w.Body.Len() > 0 || w.Header().Get("ETag") != etag {
			t.Errorf("%s: %d %s", tags, w.Code, w.Body)
		}
	}
	if w := s.do(t, "", "GET", path, "", "If-None-Match", `"other"`); w.Code != http.StatusOK {
		t.Errorf("another picture: %d", w.Code)
	}
}

// The picture of a hidden product tells nothing of it, and is another one as soon as it is shown.
func TestAHiddenProductsPictureIsABox(t *testing.T) {
	s := newSite(t)
	box := func(category string) (string, string) {
		p := s.make(s.owner, t, s.moon, func(d *product.Draft) { d.Hidden, d.Category = true, category })
		path := "/products/" + p.ID.String()
		w := s.do(t, "", "GET", path+"/image.svg", "")
		staff := s.do(t, "owner", "GET", path+"/image.svg", "")
		if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-cache" || w.Body.String() != staff.Body.String() {
			t.Errorf("%d %q", w.Code, w.Header().Get("Cache-Control"))
		}
		for _, shown := range product.Categories {
			if w.Body.String() == string(sketches{}.Draw(p.ID, shown)) {
				t.Errorf("hidden, a product of %s is drawn as one of %s", category, shown)
			}
		}
		return path, w.Body.String()
	}
	box("food")
	path, hidden := box("digital")
	if status, _ := s.call(t, "owner", "PATCH", path, `{"hidden":false}`); status != http.StatusOK {
		t.Fatal(status)
	}
	w := s.do(t, "", "GET", path+"/image.svg", "", "If-None-Match", `"old"`)
	if w.Code != http.StatusOK || w.Body.String() == hidden || !strings.HasPrefix(w.Header().Get("Cache-Control"), "public") {
		t.Errorf("shown again: %d %q", w.Code, w.Header().Get("Cache-Control"))
	}
}
