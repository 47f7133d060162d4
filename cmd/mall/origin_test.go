package main_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"mall/modules/platform/testprogram"
)

// Behind a proxy that ends TLS, and is trusted with nothing, the pages of the public address may call all the same: REST, the
// event stream and the socket. Those of others may not, whatever they say about the host.
func TestThePublicAddressMayCall(t *testing.T) {
	addr := testprogram.FreeAddr(t)
	p, _ := launch(t, t.TempDir(), "MALL_HTTP__ADDR="+addr, "MALL_HTTP__PUBLIC_URL=https://mall.example", "MALL_DEMO_EXPOSED=true")
	p.url = "http://" + addr
	p.await(p.url+"/readyz", http.StatusOK)
	for origin, want := range map[string]bool{"https://mall.example": true, "https://evil.example": false, "http://mall.example": false} {
		headers := http.Header{"Origin": {origin}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"evil.example"}}
		status, cookies := p.enter(headers)
		if (status == http.StatusOK) != want {
			t.Errorf("a login from %s: %d", origin, status)
		}
		if !want {
			_, cookies = p.enter(http.Header{})
		}
		headers.Set("Cookie", cookies)
		d := websocket.Dialer{Subprotocols: []string{"mall.chat.v1"}}
		conn, answer, err := d.DialContext(t.Context(), "ws"+strings.TrimPrefix(p.url, "http")+"/api/v1/chat/ws", headers)
		if (err == nil) != want || !want && (answer == nil || answer.StatusCode != http.StatusForbidden) {
			t.Errorf("a socket from %s: %v", origin, err)
		}
		if err == nil {
			_ = conn.Close()
		}
		if answer != nil {
			_ = answer.Body.Close()
		}
	}
}

// enter logs in as a page does.
func (p *program) enter(headers http.Header) (status int, cookies string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+"/api/v1/session",
		strings.NewReader(`{"email":"buyer@demo.mall","password":"demo-mall-2026"}`))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header = headers.Clone()
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	for _, c := range res.Cookies() {
		cookies = c.Name + "=" + c.Value
	}
	return res.StatusCode, cookies
}
