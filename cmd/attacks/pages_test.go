package attacks_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"mall/modules/platform/id"
)

var pageAttacks = []attack{
	{"forged page tokens", "sends every listing call page tokens that it never gave", "400, or a page; never 500", forgedPages},
	{"moments outside of time", "asks every listing call for what has changed since the years 0 and 10000", "400, or a page; never 500", outsideOfTime},
	{"SQL and paths", "puts quotes, wildcards, NULs and dots into everything that takes text", "an answer that knows nothing of them", injections},
}

func idOf(text string) id.ID { return id.MustParse(text) }

// listings are the calls that take a parameter of this name: with a query.
func listings(t *testing.T, w *world, parameter string) (paths []string) {
	d := describe(t, w.m)
	d.each(func(method, path string, op schema) {
		list, _ := op["parameters"].([]any)
		for _, p := range list {
			if p := d.deref(p.(schema)); method == "GET" && p["name"] == parameter {
				path = strings.ReplaceAll(path, "{shop_id}", w.shop)
				paths = append(paths, strings.ReplaceAll(path, "{room_id}", w.room))
			}
		}
	})
	if len(paths) == 0 {
		t.Fatalf("no call takes %s", parameter)
	}
	return paths
}

// sane looks at an answer to something forged.
func sane(t *testing.T, a answer, what string) {
	t.Helper()
	if a.status >= 500 || a.status == 0 {
		t.Errorf("%s with %s: %s", a.call, what, a)
	}
}

func forgedPages(t *testing.T, w *world) {
	for range 3 {
		w.newProduct(false)
		w.newOrder("placed")
		one := w.member("one more")
		w.say(one, w.openRoom(one), "하나 더")
	}
	for _, path := range listings(t, w, "cursor") {
		for name, token := range tokensLike(w.firstToken(path)) {
			a := w.owner.patient("GET", path+"?cursor="+url.QueryEscape(token), nil)
			sane(t, a, "the token "+name)
		}
		for _, order := range []string{"recent", "waiting"} {
			if strings.HasSuffix(path, "/chat/rooms") {
				for name, token := range tokensLike(w.firstToken(path + "?order=" + order)) {
					sane(t, w.owner.patient("GET", path+"?order="+order+"&shop_id="+w.shop+"&cursor="+url.QueryEscape(token), nil), order+", "+name)
				}
			}
		}
	}
}

// firstToken is a real one, where the listing is long enough to have one.
func (w *world) firstToken(path string) string {
	w.t.Helper()
	sign := "?"
	if strings.Contains(path, "?") {
		sign = "&"
	}
	for _, more := range []string{"", "&shop_id=" + w.shop} {
		var page struct {
			Next string `json:"next_cursor"`
		}
		a := w.owner.patient("GET", path+sign+"limit=1"+more, nil)
		if a.ok() {
			a.into(&page)
		}
		if page.Next != "" {
			return page.Next
		}
	}
	return ""
}

// tokensLike are tokens that nobody gave; those that are like a real one in everything but a few bytes, too.
func tokensLike(token string) map[string]string {
	forged := map[string]string{"x": "x", "no base64": "!!!", "long": strings.Repeat("A", 4000), "NUL": "\x00", "a quote": "' OR 1=1 -- "}
	for _, moment := range []int64{0, -1, 1, -1 << 63, 1<<63 - 1, -62167219200000000, 253402300800000000, -62135596800000000} {
		b := binary.BigEndian.AppendUint64(nil, uint64(moment))
		forged[fmt.Sprintf("the moment %d", moment)] = base64.RawURLEncoding.EncodeToString(append(b, bytes.Repeat([]byte{1}, 16)...))
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if token == "" || err != nil {
		return forged
	}
	for i := range raw {
		for _, bits := range []byte{0x80, 0x01, 0xff} {
			b := append([]byte(nil), raw...)
			b[i] ^= bits
			forged[fmt.Sprintf("byte %d changed by %#x", i, bits)] = base64.RawURLEncoding.EncodeToString(b)
		}
	}
	for _, fill := range []byte{0, 0x7f, 0x80, 0xff} {
		b := append([]byte(nil), raw...)
		for i := range min(8, len(b)) {
			b[i] = fill
		}
		forged[fmt.Sprintf("filled with %#x", fill)] = base64.RawURLEncoding.EncodeToString(b)
	}
	forged["cut"] = base64.RawURLEncoding.EncodeToString(raw[:len(raw)-1])
	forged["longer"] = base64.RawURLEncoding.EncodeToString(append(raw, 0))
	return forged
}

func outsideOfTime(t *testing.T, w *world) {
	for _, path := range listings(t, w, "updated_after") {
		for _, moment := range []string{
			"0000-01-01T00:00:00Z", "0000-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z", "0999-12-31T23:59:59Z", "1000-01-01T00:00:00+23:59",
			"9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59-23:59", "10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "2026-02-30T00:00:00Z",
			"2026-01-01T24:00:00Z", "2026-06-30T23:59:60Z", "x", "",
		} {
			for _, shop := range []string{"", "&shop_id=" + w.shop} {
				sane(t, w.owner.patient("GET", path+"?updated_after="+url.QueryEscape(moment)+shop, nil), moment)
			}
		}
	}
}

func injections(t *testing.T, w *world) {
	p := w.owner
	for _, text := range []string{
		"'", `"`, "`", "%", "_", `\`, "';--", "' OR '1'='1", `" OR ""="`, "1; DROP TABLE member_members", "%' ESCAPE '", "\x00", "\u202e", "{{7*7}}", "${7*7}",
		"../../etc/passwd", "..%2f..%2fetc%2fpasswd", strings.Repeat("%", 90), strings.Repeat("가", 100),
	} {
		a := p.patient("GET", "/products?q="+url.QueryEscape(text), nil)
		sane(t, a, text)
		if text == "' OR '1'='1" && strings.Contains(string(a.body), "머그컵") {
			t.Errorf("%q finds everything: %s", text, a)
		}
		escaped := url.PathEscape(text)
		for _, path := range []string{"/products/" + escaped, "/shops/" + escaped, "/orders/" + escaped, "/chat/rooms/" + escaped, "/chat/rooms/" + escaped + "/messages"} {
			a := p.patient("GET", path, nil)
			if a.status != 400 && a.status != 404 && a.status != 405 {
				t.Errorf("GET %s: %s", path, a)
			}
		}
		sane(t, p.patient("POST", "/auth/login", object{"email": text, "password": text}), text)
		sane(t, p.patient("GET", "/chat/rooms?state="+url.QueryEscape(text), nil), text)
	}
	for _, path := range []string{
		"//../../etc/passwd", "//..%2f..%2f..%2fetc%2fpasswd", "//assets/../../go.mod", "//assets/%2e%2e/%2e%2e/go.mod", "//.git/config", "//mall-data/token_secret",
		"//index.html%00.js", "//metrics", "//statusz", "//debug/pprof/", "//api/v1/../../metrics", "//api//v1/me", "//API/V1/ME",
	} {
		a := w.m.stranger(t).call("GET", path, nil)
		if !strings.Contains(string(a.body), "user interface was not built") { // a program without pages says so with 503
			sane(t, a, path)
		}
		for _, secret := range []string{"root:x:0", "module mall", "mall_http", "go_goroutines", "[core]", secret} {
			if strings.Contains(string(a.body), secret) {
				t.Errorf("%s shows %q", path, secret)
			}
		}
	}
	if n := w.m.number(t, "SELECT COUNT(*) FROM member_members"); n == 0 {
		t.Error("the members are gone")
	}
}
